//! The container or unit a process runs in, by the path of its control group.

/// How much of a container's id is shown, as Docker shows it.
const SHORT: usize = 12;

/// The longest name that is taken.
const LONGEST: usize = 64;

/// Which container or unit `/proc/PID/cgroup` speaks of: a container's short id, `name.service`, or nothing for what a
/// user runs in a session. Inner names win over outer ones: a container's own process is not the service that started it.
pub(super) fn container(cgroup: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(cgroup);
    // `0::/path` of version 2 first, as a machine with both has its units there.
    let paths = || {
        text.lines().filter_map(|line| line.splitn(3, ':').nth(2).map(|path| (line.starts_with("0::"), path)))
    };
    let ordered = paths().filter(|(second, _)| *second).chain(paths().filter(|(second, _)| !*second));
    ordered.map(|(_, path)| path).find_map(of_path).map(|name| name.chars().take(LONGEST).collect())
}

fn of_path(path: &str) -> Option<String> {
    let parts = || path.split('/').rev().filter(|part| !part.is_empty());
    let lxc = || path.strip_prefix("/lxc/").and_then(|rest| rest.split('/').next()).map(ToOwned::to_owned);
    parts().find_map(id).or_else(lxc).or_else(|| parts().find_map(named)).or_else(|| parts().find_map(unit))
}

/// `docker-ID.scope`, `cri-containerd-ID.scope`, `libpod-ID`, or the id alone.
fn id(part: &str) -> Option<String> {
    let bare = part.strip_suffix(".scope").unwrap_or(part);
    // Podman's monitor of a container is not in it.
    if bare.contains("conmon") {
        return None;
    }
    let id = bare.rsplit_once(['-', ':']).map_or(bare, |(_, id)| id);
    let is_id = id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit());
    is_id.then(|| id[..SHORT].to_owned())
}

/// A machine with a name: of LXC, or of systemd.
fn named(part: &str) -> Option<String> {
    let name = part.strip_prefix("lxc.payload.").or_else(|| {
        let machine = part.strip_prefix("machine-")?;
        machine.strip_suffix(".scope")
    })?;
    (!name.is_empty()).then(|| name.to_owned())
}

/// A unit of systemd's; the one that holds all of a user's session is none.
fn unit(part: &str) -> Option<String> {
    let name = part.strip_suffix(".service")?;
    let is_session = name.strip_prefix("user@").is_some_and(|uid| uid.bytes().all(|b| b.is_ascii_digit()));
    (!name.is_empty() && !is_session).then(|| part.to_owned())
}
