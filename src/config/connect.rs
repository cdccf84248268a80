//! Where to connect and as whom, from flags, environment and file.

use std::path::Path;

use super::known::Said;
use super::{Environment, usage};
use crate::cli::{Connection, TWO_ADDRESSES};
use crate::error::Error;
use crate::net::{ConnectOptions, Endpoint, Protocol, Secret, TlsOptions};

/// Who said where the server is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Nobody,
    File,
    Environment,
    /// A flag, but for a URL.
    Flag,
    /// A URL on the command line.
    Url,
}

/// The servers of these URLs, each once; without any, the one that flags, environment or file name, or the default.
pub(super) fn servers(
    flags: &Connection,
    urls: &[String],
    json: bool,
    environment: &Environment,
    said: &Said,
) -> Result<(Vec<ConnectOptions>, Origin), Error> {
    let (first, origin) = connect(flags, urls.first().cloned(), json, environment, said)?;
    let mut servers = vec![first];
    for url in urls.iter().skip(1) {
        let (server, _) = connect(flags, Some(url.clone()), json, environment, said)?;
        // Named twice, its clients would be counted twice.
        if servers.iter().all(|known| known.endpoint != server.endpoint) {
            servers.push(server);
        }
    }
    Ok((servers, origin))
}

/// The address, and what the rest changes of it.
fn connect(
    flags: &Connection,
    url: Option<String>,
    json: bool,
    environment: &Environment,
    said: &Said,
) -> Result<(ConnectOptions, Origin), Error> {
    let (mut connect, origin) = address(flags, url, environment, said)?;
    if flags.tls && connect.tls.is_none() {
        connect.tls = Some(TlsOptions::default());
    }
    if origin == Origin::File || connect.client_name.is_none() {
        change(&mut connect.client_name, said.pool.client_name.as_ref());
    }
    // The embedded server has neither users nor TLS.
    if !flags.demo {
        inherit(environment, said, origin, &mut connect);
    }
    identity(flags, &mut connect);
    tls(flags, &mut connect)?;
    connect.protocol = match (flags.resp2, flags.resp3) {
        (true, true) => return Err(usage("-2 and -3 exclude each other")),
        (true, _) => Protocol::Resp2,
        (_, true) => Protocol::Resp3,
        _ if json => Protocol::Resp3,
        _ => connect.protocol,
    };
    Ok((connect, origin))
}

/// One address at most; `REDIS_URL`, and after it the file, only where no flag gives one.
fn address(
    flags: &Connection,
    url: Option<String>,
    environment: &Environment,
    said: &Said,
) -> Result<(ConnectOptions, Origin), Error> {
    let tcp = flags.host.is_some() || flags.port.is_some();
    let named = [url.is_some(), flags.uri.is_some(), tcp, flags.socket.is_some(), flags.demo];
    if named.iter().filter(|&&named| named).count() > 1 {
        return Err(usage(TWO_ADDRESSES));
    }
    let read = |url: &str, whose: &str| {
        ConnectOptions::from_url(url).map_err(|error| usage(format!("{whose}{error}")))
    };
    if let Some(url) = url.or_else(|| flags.uri.clone()) {
        return Ok((read(&url, "")?, Origin::Url));
    }
    if flags.host.as_deref().is_some_and(|host| host.contains('@') || host.contains("://")) {
        return Err(usage("-h takes a host, as 127.0.0.1 or redis.example; a URL goes after -u"));
    }
    if flags.socket.as_deref().is_some_and(is_a_url) {
        return Err(usage("-s takes the path of a socket, as /run/redis.sock; a URL goes after -u"));
    }
    let mut connect = ConnectOptions::default();
    if let Some(socket) = &flags.socket {
        connect.endpoint = Endpoint::Unix(socket.clone());
    } else if tcp {
        let host = flags.host.clone().unwrap_or_else(|| "127.0.0.1".to_owned());
        connect.endpoint = Endpoint::Tcp { host, port: flags.port.unwrap_or(ConnectOptions::PORT) };
    } else if flags.demo {
        // The endpoint is known once it runs.
    } else if let Some(url) = &environment.redis_url {
        return Ok((read(url, "REDIS_URL: ")?, Origin::Environment));
    } else if let Some(url) = &said.url {
        return Ok((read(url, "url: ")?, Origin::File));
    }
    Ok((connect, if named.contains(&true) { Origin::Flag } else { Origin::Nobody }))
}

/// What is no path but an address with a user in it, which must not be repeated where it cannot be opened.
fn is_a_url(path: &Path) -> bool {
    let text = path.to_string_lossy();
    text.contains("://") || (text.contains('@') && !path.exists())
}

/// What file and environment say beside the address. A URL from elsewhere says better what its own server needs.
fn inherit(environment: &Environment, said: &Said, origin: Origin, connect: &mut ConnectOptions) {
    let ours = origin == Origin::File;
    let nobody = connect.user.is_none() && connect.password.is_none();
    if let Some(user) = said.connection.user.as_ref().filter(|_| ours || nobody) {
        connect.user = Some(user.clone());
    }
    if let Some(password) = environment.password.as_ref().filter(|_| ours || connect.password.is_none()) {
        connect.password = Some(Secret::new(password.clone()));
    }
    // A URL that says redis:// means it, and a socket needs none.
    let plain =
        matches!(origin, Origin::Environment | Origin::Url) || matches!(connect.endpoint, Endpoint::Unix(_));
    if said.connection.tls && connect.tls.is_none() && !plain {
        connect.tls = Some(TlsOptions::default());
    }
    if let Some(tls) = &mut connect.tls {
        let Connection { cacert, cacertdir, cert, key, sni, insecure, .. } = &said.connection;
        tls.cacert.clone_from(cacert);
        tls.cacertdir.clone_from(cacertdir);
        tls.cert.clone_from(cert);
        tls.key.clone_from(key);
        tls.sni.clone_from(sni);
        tls.insecure |= insecure;
    }
}

fn identity(flags: &Connection, connect: &mut ConnectOptions) {
    if let Some(database) = flags.database {
        connect.database = database;
    }
    change(&mut connect.user, flags.user.as_ref());
    if let Some(password) = &flags.password {
        connect.password = Some(Secret::new(password.clone()));
    }
}

/// The flags of TLS, where it is on.
fn tls(flags: &Connection, connect: &mut ConnectOptions) -> Result<(), Error> {
    let files = [&flags.cacert, &flags.cacertdir, &flags.cert, &flags.key];
    let details = files.into_iter().any(Option::is_some) || flags.sni.is_some() || flags.insecure;
    let Some(tls) = &mut connect.tls else {
        if details {
            return Err(usage(
                "--cacert, --cacertdir, --cert, --key, --sni and --insecure need --tls or a rediss:// URL",
            ));
        }
        return Ok(());
    };
    if flags.cert.is_some() != flags.key.is_some() {
        return Err(usage("--cert and --key go together"));
    }
    change(&mut tls.cacert, flags.cacert.as_ref());
    change(&mut tls.cacertdir, flags.cacertdir.as_ref());
    change(&mut tls.cert, flags.cert.as_ref());
    change(&mut tls.key, flags.key.as_ref());
    change(&mut tls.sni, flags.sni.as_ref());
    tls.insecure |= flags.insecure;
    Ok(())
}

fn change<T: Clone>(setting: &mut Option<T>, flag: Option<&T>) {
    if let Some(flag) = flag {
        *setting = Some(flag.clone());
    }
}
