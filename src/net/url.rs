//! URLs of a server. Errors never repeat what stands where a password may stand: a password with an unescaped `/`, `?`
//! or `#` spills into the path, so the path is not repeated either.

use std::path::PathBuf;

use super::address::{is_client_name, is_ipv6};
use super::{ConnectOptions, Endpoint, Protocol, Secret, TlsOptions};

/// Why a URL is not one of a server. Each says what to write instead, and none repeats a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// There is no `scheme://`.
    #[error("not a URL of a server; write it as redis://127.0.0.1:6379/0 or unix:///run/redis.sock?db=0")]
    NotAUrl,
    /// The scheme is none of ours.
    #[error(
        "the scheme `{0}` is not one of redis, rediss, valkey, valkeys and unix; for example redis://127.0.0.1:6379"
    )]
    Scheme(String),
    /// A character that ends a password stands inside it.
    #[error(
        "a password in a URL is written percent-encoded: / as %2F, ? as %3F, # as %23, @ as %40, for example redis://:p%2Fss@127.0.0.1:6379"
    )]
    Unencoded,
    /// The host is none.
    #[error(
        "the host in the URL is neither a name nor an address; for example redis://localhost:6379 or redis://[::1]:6379"
    )]
    Host,
    /// The port is none.
    #[error("the port in the URL is not a number from 1 to 65535; for example redis://127.0.0.1:6379")]
    Port,
    /// The path of a TCP URL is not a database number.
    #[error("the path in the URL is not a database number; for example redis://127.0.0.1:6379/0")]
    Database,
    /// A unix URL without an absolute path.
    #[error(
        "a unix URL needs the absolute path of the socket, with three slashes: unix:///run/redis.sock?db=0"
    )]
    SocketPath,
    /// Something that must be text is not UTF-8.
    #[error("the {0} in the URL is not UTF-8 once percent-decoded")]
    NotText(&'static str),
    /// A parameter that nothing here knows.
    #[error(
        "the URL parameter `{0}` is not one of db, protocol, client_name, username and password; for example redis://127.0.0.1:6379?db=1&protocol=3"
    )]
    UnknownParameter(String),
    /// A parameter whose value does not fit.
    #[error("the URL parameter `{name}` takes {takes}; for example redis://127.0.0.1:6379?{name}={example}")]
    Parameter {
        /// Which.
        name: &'static str,
        /// What it takes.
        takes: &'static str,
        /// One good value.
        example: &'static str,
    },
}

/// Reads a URL into options.
pub(super) fn parse(text: &str) -> Result<ConnectOptions, UrlError> {
    let (scheme, rest) = text.split_once("://").ok_or(UrlError::NotAUrl)?;
    let scheme = known_scheme(scheme)?;
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(authority_end);
    if tail.contains(['@', '#']) {
        return Err(UrlError::Unencoded);
    }
    let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
    let (userinfo, host) = authority.rsplit_once('@').unwrap_or(("", authority));

    let mut options = ConnectOptions::default();
    read_userinfo(userinfo, &mut options)?;
    if let Scheme::Unix = scheme {
        options.endpoint = socket(host, path)?;
    } else {
        options.endpoint = host_and_port(host)?;
        options.tls = matches!(scheme, Scheme::Tls).then(TlsOptions::default);
        options.database = match path.trim_matches('/') {
            "" => 0,
            number => database(number).ok_or(UrlError::Database)?,
        };
    }
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        read_parameter(parameter, &mut options)?;
    }
    Ok(options)
}

#[derive(Clone, Copy)]
enum Scheme {
    Plain,
    Tls,
    Unix,
}

fn known_scheme(scheme: &str) -> Result<Scheme, UrlError> {
    match scheme.to_ascii_lowercase().as_str() {
        "redis" | "valkey" => Ok(Scheme::Plain),
        "rediss" | "valkeys" => Ok(Scheme::Tls),
        "unix" => Ok(Scheme::Unix),
        // Only what can be a scheme is repeated: anything else may be half a password.
        other if is_scheme(other) => Err(UrlError::Scheme(other.to_owned())),
        _ => Err(UrlError::NotAUrl),
    }
}

fn is_scheme(text: &str) -> bool {
    text.len() <= 32
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

fn read_userinfo(userinfo: &str, options: &mut ConnectOptions) -> Result<(), UrlError> {
    let (user, password) = userinfo.split_once(':').unwrap_or(("", userinfo));
    if !user.is_empty() {
        options.user = Some(text(user, "user")?);
    }
    if !password.is_empty() {
        options.password = Some(Secret::new(percent_decode(password)));
    }
    Ok(())
}

fn socket(host: &str, path: &str) -> Result<Endpoint, UrlError> {
    let path = percent_decode(path);
    if !host.is_empty() || !path.starts_with(b"/") || path.len() < 2 || path.contains(&0) {
        return Err(UrlError::SocketPath);
    }
    let path = String::from_utf8(path).map_err(|_| UrlError::NotText("socket path"))?;
    Ok(Endpoint::Unix(PathBuf::from(path)))
}

fn host_and_port(text: &str) -> Result<Endpoint, UrlError> {
    let (host, port) = if let Some(bracketed) = text.strip_prefix('[') {
        let (address, after) = bracketed.split_once(']').ok_or(UrlError::Host)?;
        let address = address.replacen("%25", "%", 1);
        if !is_ipv6(&address) {
            return Err(UrlError::Host);
        }
        let port = match after {
            "" => "",
            after => after.strip_prefix(':').ok_or(UrlError::Host)?,
        };
        (address, port)
    } else {
        let (host, port) = text.split_once(':').unwrap_or((text, ""));
        (name(host)?, port)
    };
    let port = match port {
        "" => ConnectOptions::PORT,
        port if port.bytes().all(|b| b.is_ascii_digit()) => port.parse().map_err(|_| UrlError::Port)?,
        _ => return Err(UrlError::Port),
    };
    if port == 0 {
        return Err(UrlError::Port);
    }
    Ok(Endpoint::Tcp { host, port })
}

/// A host name or IPv4 address in the form that resolvers take; nothing means this machine, as in redis-cli.
fn name(host: &str) -> Result<String, UrlError> {
    if host.is_empty() {
        return Ok("127.0.0.1".to_owned());
    }
    match ::url::Host::parse(host) {
        Ok(::url::Host::Domain(name)) => Ok(name),
        Ok(::url::Host::Ipv4(address)) => Ok(address.to_string()),
        Ok(::url::Host::Ipv6(_)) | Err(_) => Err(UrlError::Host),
    }
}

fn read_parameter(parameter: &str, options: &mut ConnectOptions) -> Result<(), UrlError> {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    match name {
        "db" => {
            options.database = database(value).ok_or(UrlError::Parameter {
                name: "db",
                takes: "a database number",
                example: "1",
            })?;
        }
        "protocol" => {
            options.protocol = match value {
                "2" => Protocol::Resp2,
                "3" => Protocol::Resp3,
                _ => return Err(UrlError::Parameter { name: "protocol", takes: "2 or 3", example: "3" }),
            };
        }
        "client_name" => {
            let name = text(value, "client name")?;
            if !is_client_name(&name) {
                let takes = "printable ASCII without spaces";
                return Err(UrlError::Parameter { name: "client_name", takes, example: "worker-1" });
            }
            options.client_name = (!name.is_empty()).then_some(name);
        }
        "username" => options.user = Some(text(value, "user")?).filter(|user| !user.is_empty()),
        "password" => {
            options.password = Some(Secret::new(percent_decode(value))).filter(|p| !p.expose().is_empty());
        }
        unknown => {
            let shown: String = unknown.chars().take(40).flat_map(char::escape_debug).collect();
            return Err(UrlError::UnknownParameter(shown));
        }
    }
    Ok(())
}

/// A database number as the server keeps it: a C `int` from 0.
fn database(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|number| digits && i32::try_from(*number).is_ok())
}

fn text(encoded: &str, what: &'static str) -> Result<String, UrlError> {
    String::from_utf8(percent_decode(encoded)).map_err(|_| UrlError::NotText(what))
}

/// `%2F` to `/`. A percent sign that begins no escape stands for itself, as in redis-py.
fn percent_decode(text: &str) -> Vec<u8> {
    let hex = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let mut rest = text.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len());
    while let Some((&first, after)) = rest.split_first() {
        if let (b'%', [high, low, tail @ ..]) = (first, after)
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            decoded.push(high << 4 | low);
            rest = tail;
        } else {
            decoded.push(first);
            rest = after;
        }
    }
    decoded
}

#[cfg(test)]
mod tests;
