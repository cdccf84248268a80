use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use rustix::io::Errno;

use super::cgroup::container;
use super::inet;
use super::local::{Kind, Link, Way, leading_inside, parse_link, parse_way};
use super::mask::masked;
use super::netlink::{attributes, messages, outcome};
use super::table::Found;
use super::text::{Stat, parse_socket, parse_stat, parse_uids, parse_uptime, user_name};
use super::unix;
use super::{Step, System};
use crate::event::Whose;

/// A command line as the kernel has it: words that end in a zero byte.
fn shown(words: &[&str]) -> String {
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.bytes().chain([0])).collect();
    masked(&bytes)
}

#[test]
fn passwords_are_taken_out_of_command_lines() {
    for (words, expected) in [
        (&["redis-cli", "-a", "s3cret", "PING"][..], "redis-cli -a *** PING"),
        (&["redis-cli", "-h", "::1", "--pass", "s3cret", "PING"], "redis-cli -h ::1 --pass *** PING"),
        (&["redis-cli", "--pass=s3cret"], "redis-cli --pass=***"),
        (&["redis-cli", "--no-auth-warning", "-a", "s3cret"], "redis-cli --no-auth-warning -a ***"),
        (
            &["redis-cli", "-u", "redis://user:s3cret@10.0.0.1:6379/0"],
            "redis-cli -u redis://user:***@10.0.0.1:6379/0",
        ),
        (&["redis-cli", "-u", "redis://s3cret@10.0.0.1"], "redis-cli -u redis://***@10.0.0.1"),
        (&["redis-cli", "-u", "redis://u:s3@cr:et@10.0.0.1"], "redis-cli -u redis://u:***@10.0.0.1"),
        (&["env", "REDISCLI_AUTH=s3cret", "redis-cli"], "env REDISCLI_AUTH=*** redis-cli"),
        (&["app", "--redis-password=s3=cr&et", "-v"], "app --redis-password=*** -v"),
        (&["app", "password:s3cret"], "app password:***"),
        (&["app", "DSN=host=a;pwd=s3cret;db=1"], "app DSN=host=a;pwd=***"),
        (&["app", "redis://h/0?password=s3cret"], "app redis://h/0?password=***"),
        (&["sh", "-c", "exec redis-cli -a s3cret ping"], "sh -c exec redis-cli -a *** ping"),
        (&["sh", "-c", "redis-cli -a 's3 cr et' ping"], "sh -c redis-cli -a *** ping"),
        (&["python", "-c", "Redis(password='s3 cret', db=1)"], "python -c Redis(password=*** db=1)"),
        (&["python", "-c", "{\"password\": \"s3cret\"}"], "python -c {\"password\": ***}"),
        (&["redis-cli", "AUTH", "bob", "s3cret"], "redis-cli AUTH *** ***"),
        (&["redis-cli", "CONFIG", "SET", "requirepass", "s3cret"], "redis-cli CONFIG SET requirepass ***"),
        (
            &["redis-cli", "ACL", "SETUSER", "bob", "on", ">s3cret", "+@all"],
            "redis-cli ACL SETUSER bob on *** +@all",
        ),
        (&["redis-server", "--masterauth", "-s3cret"], "redis-server --masterauth ***"),
        (&["gunicorn", "app:main", "-b", "127.0.0.1:80"], "gunicorn app:main -b 127.0.0.1:80"),
        (&["/usr/bin/redis-server *:6379", "", ""], "/usr/bin/redis-server *:6379"),
        (&[], ""),
    ] {
        assert_eq!(shown(words), expected, "{words:?}");
    }
}

/// What begins with `SEK` is secret, and everything in the last column is to be seen.
#[test]
fn every_secret_of_a_command_line_is_masked_and_ordinary_words_are_not() {
    let mut wrong = Vec::new();
    for (words, seen) in [
        (&["redis-cli", "-a", "SEK1 SEK2 SEK3", "PING"][..], "redis-cli -a PING"),
        (&["redis-server", "--requirepass", "x SEK2", "--port", "1"], "--requirepass --port 1"),
        (&["app", "--pass=x SEK2", "-v"], "app --pass= -v"),
        (&["curl", "-H", "Authorization: Bearer SEK1", "http://h/x"], "curl -H Authorization: http://h/x"),
        (&["curl", "-H", "Authorization: Basic SEK1 SEK2"], "Authorization:"),
        (&["curl", "-H", "Authorization:", "Basic", "SEK1", "end"], "Authorization: end"),
        (&["curl", "-HX-Api-Key: SEK1 SEK2"], "-HX-Api-Key:"),
        (&["sh", "-c", "curl -H 'Authorization: Bearer SEK1' http://h"], "sh -c curl http://h"),
        (&["app", "redis://:SEKb@h/0?auth_timeout=5"], "redis:// @h/0?auth_timeout=5"),
        (&["app", "mongodb://user:SEKc@h/db?authSource=admin"], "mongodb://user: @h/db?authSource=admin"),
        (&["app", "redis://u:SEK1 SEK2@h/0"], "redis://u: @h/0"),
        (&["app", "redis://u:SEK1@SEK2@h/0", "a@b"], "redis://u: @h/0 a@b"),
        (&["app", "redis://u:SEK1/SEK2@h"], "redis://u: @h"),
        (&["app", "redis://u:SEK1@h1,redis://v:SEK2@h2/0"], "u: @h1,redis://v: @h2/0"),
        (&["app", "--url=redis://u:SEK1@h/0?password=SEK2&db=1"], "--url=redis://u: @h/0?password= &db=1"),
        (&["app", "user:SEK1@tcp(h:1)/db"], "user: @tcp(h:1)/db"),
        (
            &["app", "http://h/?sig=SEK1&X-Amz-Signature=SEK2&token=SEK3&n=1"],
            "?sig= &X-Amz-Signature= &token= &n=1",
        ),
        (&["app", "pw=SEK1", "--db-pwd=SEK2", "--passwd", "SEK3"], "pw= --db-pwd= --passwd"),
        (&["app", "--passphrase", "SEK1", "--masterauth", "SEK2", "-v"], "--passphrase --masterauth -v"),
        (&["app", "--secret", "SEK1", "--token", "SEK2", "--apikey", "SEK3"], "--secret --token --apikey"),
        (
            &["app", "--api-key", "SEK1", "--access-key=SEK2", "--credentials", "SEK3"],
            "--access-key= --credentials",
        ),
        (
            &["app", "--key", "SEK1", "--signature=SEK2", "--sig", "SEK3", "bearer", "SEK4"],
            "--key --signature= --sig",
        ),
        (
            &["app", "--creds", "u:SEK1", "--cred=SEK2", "--auth-string", "SEK3"],
            "--creds --cred= --auth-string",
        ),
        (
            &["app", "--encryption-key", "SEK1", "--storage-key", "SEK2/a", "--license-key=SEK3"],
            "--encryption-key --storage-key --license-key=",
        ),
        (
            &["app", "-e", "REDIS_KEY=SEK1", "SESSION_SALT=SEK2", "--otp", "SEK3", "AUTH_CODE=SEK4"],
            "-e REDIS_KEY= SESSION_SALT= --otp AUTH_CODE=",
        ),
        (&["redis-cli", "-aSEK1", "PING"], "redis-cli -a PING"),
        (&["sh", "-c", "exec /usr/bin/valkey-cli -aSEK1 ping"], "valkey-cli -a ping"),
        (
            &["app", "-app", "x", "--auth-mode", "none", "--public-key", "k"],
            "-app x --auth-mode none --public-key k",
        ),
        (&["app", "--tls-key", "/etc/tls/k", "--ssl-key=./k"], "--tls-key /etc/tls/k --ssl-key=./k"),
        (&["redis-cli", "--key", "/etc/k", "--key", "a.pem", "--key=b.key"], "/etc/k a.pem --key=b.key"),
        (&["curl", "-u", "bob:SEK1 SEK2", "http://h"], "curl -u bob: http://h"),
        (&["curl", "--user", "bob:SEK1", "--user=ada:SEK2", "-uivy:SEK3"], "bob: --user=ada: -uivy:"),
        (&["mysql", "-uroot", "-pSEK1", "db"], "mysql -uroot db"),
        (&["sshpass", "-p", "SEK1 SEK2", "ssh", "h"], "sshpass -p ssh h"),
        (
            &["app", r#"{"password": "SEK1 SEK2", "db":{"pw":"SEK3","n":"x"}}"#],
            r#"{"password": "db":{"pw": "n":"x"}}"#,
        ),
        (
            &["app", r#"{"tokens":["SEK1","SEK 2"],"secret":{"v":"SEK3"},"n":1}"#],
            r#"{"tokens": "secret": "n":1}"#,
        ),
        (&["app", r#"{\"password\": \"SEK1 SEK2\", \"n\": 1}"#], "1}"),
        (&["sh", "-c", "PASSWORD='SEK1 SEK2' mysql -pSEK3 db"], "sh -c PASSWORD="),
        (&["sh", "-c", r#"exec app --pass "SEK1 SEK2" -x 1"#], "exec app --pass -x 1"),
        (&["app", "Server=h;Pwd=SEK1 SEK2"], "Server=h;Pwd="),
        (&["redis-server", "--sentinel", "auth-pass", "SEKm", "SEK1", "end"], "auth-pass end"),
        (&["redis-server", "--user", "bob on >SEK1 ~*", "-v"], "bob on ~* -v"),
        (&["redis-cli", "BLPOP", "queue", "0"], "redis-cli BLPOP queue 0"),
        (&["redis-cli", "--no-auth-warning", "BLPOP", "q", "0"], "redis-cli --no-auth-warning BLPOP q 0"),
        (
            &["python3", "auth_service.py", "token_service.py", "x"],
            "python3 auth_service.py token_service.py x",
        ),
        (&["redis-cli", "-p", "6379", "-p6380", "-port", "1"], "redis-cli -p 6379 -p6380 -port 1"),
        (&["app", "--auth_timeout", "5", "--authSource", "admin"], "--auth_timeout 5 --authSource admin"),
        (&["Passenger RubyApp: /var/www (production)"], "Passenger RubyApp: /var/www (production)"),
        (&["redis-cli", "GET", "key:1"], "redis-cli GET key:1"),
    ] {
        let line = shown(words);
        if line.contains("SEK") || !seen.split(' ').all(|word| line.contains(word)) {
            wrong.push(line);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_long_command_line_is_cut_between_characters() {
    let line = shown(&["ä".repeat(1000).as_str()]);
    assert_eq!(line.len(), 512);
    assert_eq!(shown(&[&"x".repeat(511), "ä"]).len(), 512);
    // A password may be as long as it likes.
    assert_eq!(shown(&["app", "-a", &"x".repeat(8000), "end"]), "app -a *** end");
}

#[test]
fn a_cgroup_tells_container_or_unit() {
    let id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    for (cgroup, expected) in [
        (format!("0::/system.slice/docker-{id}.scope\n"), Some("0123456789ab")),
        (format!("12:pids:/docker/{id}\n1:name=systemd:/docker/{id}\n0::/\n"), Some("0123456789ab")),
        (format!("0::/docker/{id}/init\n"), Some("0123456789ab")),
        (
            format!(
                "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/cri-containerd-{id}.scope"
            ),
            Some("0123456789ab"),
        ),
        (format!("0::/kubepods/besteffort/pod0a-1/{id}"), Some("0123456789ab")),
        (format!("0::/machine.slice/libpod-{id}.scope/container"), Some("0123456789ab")),
        (format!("0::/machine.slice/libpod-conmon-{id}.scope"), None),
        (
            format!("0::/system.slice/containerd.service/kubepods-pod1:cri-containerd:{id}"),
            Some("0123456789ab"),
        ),
        ("0::/lxc.payload.web1/system.slice/nginx.service".into(), Some("web1")),
        ("4:memory:/lxc/web1\n".into(), Some("web1")),
        ("0::/machine.slice/machine-db.scope/payload".into(), Some("db")),
        ("0::/system.slice/redis-server.service".into(), Some("redis-server.service")),
        ("0::/system.slice/system-getty.slice/getty@tty1.service".into(), Some("getty@tty1.service")),
        ("1:name=systemd:/system.slice/worker.service\n".into(), Some("worker.service")),
        ("0::/user.slice/user-1000.slice/session-3.scope".into(), None),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-term.scope".into(), None),
        (
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/worker.service".into(),
            Some("worker.service"),
        ),
        ("0::/user.slice/user-1000.slice/user@1000.service/init.scope".into(), None),
        ("0::/\n".into(), None),
        ("0::/../../..\n".into(), None),
        (String::new(), None),
    ] {
        assert_eq!(container(cgroup.as_bytes()).as_deref(), expected, "{cgroup}");
    }
}

#[test]
fn a_process_may_have_any_name() {
    let stat = b"42 (a) S 7 (\n\xff) S 1 42 42 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 98765 1 2";
    let expected = Stat { name: "a) S 7 (\n\u{fffd}".into(), parent: 1, started: 98765 };
    assert_eq!(parse_stat(stat), Some(expected));
    for cut in 0..stat.len() - 8 {
        assert_eq!(parse_stat(&stat[..cut]), None, "{cut}");
    }
}

#[test]
fn what_proc_says_of_users_and_sockets() {
    assert_eq!(parse_uids(b"Name:\tx\nUid:\t1000\t33\t0\t0\nGid:\t1\n"), Some((1000, 33)));
    assert_eq!(parse_uids(b"Name:\tx\n"), None);
    let passwd = b"root:x:0:0::/root:/bin/sh\n+::::::\nbroken\nweb:x:33:33:::\n";
    assert_eq!(user_name(passwd, 33).as_deref(), Some("web"));
    assert_eq!(user_name(passwd, 34), None);
    assert_eq!(parse_socket(b"socket:[4026531840]"), Some(4_026_531_840));
    assert_eq!(parse_socket(b"pipe:[1]"), None);
    assert_eq!(parse_uptime(b"12.50 9\n").map(|up| up.as_millis()), Some(12_500));
    assert_eq!(parse_uptime(b"-1 9\n"), None);
}

#[test]
fn a_socket_without_a_process_is_in_another_namespace_unless_there_was_no_time() {
    let system = System::default();
    let mut found = Found::default();
    let uid = Some(rustix::process::geteuid().as_raw());
    assert_eq!(system.whose(Step::Socket { inode: 1, uid }, &found), Some(Whose::Namespace));
    assert_eq!(system.whose(Step::Socket { inode: 1, uid: None }, &found), Some(Whose::Unknown));
    found.unfinished = true;
    assert_eq!(system.whose(Step::Socket { inode: 1, uid }, &found), None);
    assert_eq!(system.whose(Step::Settled(Whose::Gone), &found), Some(Whose::Gone));
}

/// An attribute, as netlink writes one.
fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = value.len() + 4;
    let mut bytes = (length as u16).to_ne_bytes().to_vec();
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(value);
    bytes.resize(length.next_multiple_of(4), 0);
    bytes
}

#[test]
fn an_error_of_the_kernels_is_read_whatever_its_number() {
    assert_eq!(outcome(&0_i32.to_ne_bytes()), Ok(()));
    assert_eq!(outcome(&(-2_i32).to_ne_bytes()), Err(Errno::NOENT));
    for strange in [5, -4096, i32::MAX, i32::MIN] {
        assert_eq!(outcome(&strange.to_ne_bytes()), Err(Errno::PROTO));
    }
    assert_eq!(outcome(&[0]), Err(Errno::PROTO));
}

#[test]
fn a_way_ends_here_or_leads_out() {
    let way = |kind: u8, attributes: &[Vec<u8>]| {
        let header = [2, 32, 0, 0, 254, 0, 0, kind, 0, 0, 0, 0];
        parse_way(&[&header[..], &attributes.concat()].concat())
    };
    let out = attribute(4, &7_u32.to_ne_bytes());
    let router = attribute(5, &[10, 0, 0, 1]);
    assert_eq!(way(2, std::slice::from_ref(&out)), Some(Way { local: true, router: false, out: Some(7) }));
    assert_eq!(way(1, std::slice::from_ref(&out)), Some(Way { local: false, router: false, out: Some(7) }));
    assert_eq!(way(1, &[router, out]), Some(Way { local: false, router: true, out: Some(7) }));
    assert_eq!(way(1, &[]), Some(Way::default()));
    assert_eq!(parse_way(&[2, 32, 0]), None);
}

#[test]
fn only_a_bridge_that_nothing_else_is_plugged_into_leads_to_containers() {
    let link = |index: u32, master: Option<u32>, kind| Link { index, master, kind };
    let links = [
        link(1, None, Kind::Other),
        link(2, Some(4), Kind::Other),
        link(3, None, Kind::Bridge),
        link(4, None, Kind::Bridge),
        link(5, Some(3), Kind::Cable),
        link(6, Some(4), Kind::Cable),
        link(7, None, Kind::Bridge),
        link(8, None, Kind::Cable),
    ];
    let mut inside: Vec<u32> = leading_inside(&links).into_iter().collect();
    inside.sort_unstable();
    assert_eq!(inside, [3, 5, 6, 8]);
    let kind = attribute(18, &[attribute(1, b"veth\0"), attribute(2, b"?")].concat());
    let mut header = [0; 16];
    header[4] = 5;
    let bytes = [&header[..], &attribute(10, &3_u32.to_ne_bytes()), &kind].concat();
    let index = u32::from_ne_bytes([5, 0, 0, 0]);
    assert_eq!(parse_link(&bytes), Some(link(index, Some(3), Kind::Cable)));
}

proptest! {
    #[test]
    fn no_bytes_make_the_parsers_of_proc_panic(bytes: Vec<u8>) {
        let _ = (container(&bytes), masked(&bytes), parse_socket(&bytes), parse_stat(&bytes));
        let _ = (parse_uids(&bytes), parse_uptime(&bytes), user_name(&bytes, 0));
    }

    #[test]
    fn no_bytes_make_the_parsers_of_netlink_panic(family in any::<u8>(), bytes: Vec<u8>) {
        let _ = (inet::parse(&bytes), unix::parse(&bytes), parse_link(&bytes), parse_way(&bytes));
        let framed = [&[family, 1][..], &bytes].concat();
        let _ = (inet::parse(&framed), unix::parse(&framed), messages(&bytes).count(), outcome(&bytes));
        prop_assert!(attributes(&bytes).count() <= bytes.len() / 4);
    }

    /// Attributes that say they are longer or shorter than they are.
    #[test]
    fn attributes_are_read_as_far_as_they_can_be(lengths in vec(any::<u16>(), 0..20)) {
        let bytes: Vec<u8> = lengths.iter().flat_map(|length| {
            let mut bytes = (length % 24).to_ne_bytes().to_vec();
            bytes.extend_from_slice(&[0; 10]);
            bytes
        }).collect();
        let framed = [&[1, 1, 1, 0][..], &[0; 12], &bytes].concat();
        prop_assert!(unix::parse(&framed).is_some());
        let _ = (parse_link(&framed), parse_way(&framed));
    }

    #[test]
    fn no_command_line_is_too_long(line in "(-a|pass|=|'|\"|[a-zä ]|://|@|:|\0|AUTH){0,400}") {
        prop_assert!(masked(line.as_bytes()).len() <= 512);
    }

    /// What a program takes for a password is one, even if it looks like a port, a path or another option.
    #[test]
    fn whatever_a_known_program_takes_for_a_password_is_never_seen(
        option in select(vec![
            ("redis-cli", "-a\0"), ("redis-cli", "-a"), ("/usr/bin/valkey-cli", "-a"), ("redis-cli", "--pass\0"),
            ("redis-cli", "--pass="), ("mysql", "-p"), ("/usr/bin/mysqldump", "-p"), ("mariadb", "-p"),
            ("mysql", "--password="), ("psql", "--password="), ("app", "--password\0"),
        ]),
        before in "(-h\0h1\0)?(-n\0q\0)?(--port\0xy\0)?",
        secret in "[0-9]{5,9}|/[0-9]{3,5}/[0-9]{3}|[0-9]{2,4}[.:][0-9]{2,3}|-[0-9]{5,7}|[0-9]{6}\\.pem",
    ) {
        let (program, option) = option;
        for line in [
            format!("{program}\0{before}{option}{secret}\0end"),
            format!("sh\0-c\0exec {program} {} end", format!("{before}{option}{secret}").replace('\0', " ")),
        ] {
            let shown = masked(line.as_bytes());
            prop_assert!(!shown.contains(&secret) && shown.contains("***"), "{line:?}: {shown}");
        }
    }

    /// Wherever a shell's quotes and an option's sign stand, what follows `-a` is not seen.
    #[test]
    fn the_word_after_the_option_is_never_seen(before in "[a-z =:'/-]{0,20}", secret in "[XYZ]{6,9}") {
        let line = format!("{before}\0-a\0{secret}");
        prop_assert!(!masked(line.as_bytes()).contains(&secret), "{line:?}");
    }
}
