//! Where a server is, and everything that opening a connection to it needs.

use std::borrow::Cow;
use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::time::Duration;

use super::{Login, Renewed, Secret, UrlError, url};

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// TCP, with TLS over it when [`ConnectOptions::tls`] says so.
    Tcp {
        /// A name or an IP address; an IPv6 address without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// A unix socket.
    Unix(PathBuf),
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// The protocol to ask for. A server that knows only RESP2 is spoken to in RESP2 all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// `HELLO 2`, as redis-cli speaks.
    #[default]
    Resp2,
    /// `HELLO 3`.
    Resp3,
}

impl Protocol {
    /// The number as `HELLO` takes it.
    pub fn number(self) -> u8 {
        match self {
            Self::Resp2 => 2,
            Self::Resp3 => 3,
        }
    }
}

/// How to secure a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// A PEM file of the only roots to trust. Without it and `cacertdir`, the system's roots.
    pub cacert: Option<PathBuf>,
    /// A directory of PEM files, each with roots to trust.
    pub cacertdir: Option<PathBuf>,
    /// Our certificate chain, PEM. It needs `key`.
    pub cert: Option<PathBuf>,
    /// The private key of `cert`, PEM.
    pub key: Option<PathBuf>,
    /// The name to ask for and to check the certificate against, instead of the host.
    pub sni: Option<String>,
    /// Takes any certificate. The connection is then encrypted to nobody in particular.
    pub insecure: bool,
}

/// Where to connect and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectOptions {
    /// Where the server listens.
    pub endpoint: Endpoint,
    /// TLS, or plain when `None`.
    pub tls: Option<TlsOptions>,
    /// The user to authenticate as; `None` is `default`. Sent only with a password.
    pub user: Option<String>,
    /// The password, if the server wants one.
    pub password: Option<Secret>,
    /// What took the place of both since.
    pub renewed: Renewed,
    /// The database to select.
    pub database: u32,
    /// The protocol to ask for.
    pub protocol: Protocol,
    /// The name that `CLIENT LIST` shows.
    pub client_name: Option<String>,
    /// The limit for look-up, connect, TLS and handshake together.
    pub connect_timeout: Duration,
    /// How long a reply, or the room to write a command, may take; `None` waits for ever.
    pub socket_timeout: Option<Duration>,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            endpoint: Endpoint::Tcp { host: "127.0.0.1".to_owned(), port: Self::PORT },
            tls: None,
            user: None,
            password: None,
            renewed: Renewed::default(),
            database: 0,
            protocol: Protocol::default(),
            client_name: None,
            connect_timeout: Duration::from_secs(5),
            socket_timeout: Some(Duration::from_secs(5)),
        }
    }
}

impl ConnectOptions {
    /// Redis's own port.
    pub const PORT: u16 = 6379;

    /// Options from `redis:// rediss:// valkey:// valkeys:// unix://` and the parameters `db`, `protocol`,
    /// `client_name`, `username` and `password`. A bare userinfo is the password, as in redis-cli, and `?db=` wins over
    /// the path, as in redis-py.
    pub fn from_url(text: &str) -> Result<Self, UrlError> {
        url::parse(text)
    }

    /// The server's address as shown to people, with no secret in it: `127.0.0.1:6379`, `[::1]:6379`, `/run/redis.sock`.
    pub fn target(&self) -> String {
        self.endpoint.to_string()
    }

    /// What a person must be told before these options are used, one sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.tls.as_ref().is_some_and(|tls| tls.insecure) {
            warnings.push(format!(
                "--insecure: the certificate of {} is not checked, so anyone between can read and change what is sent",
                self.endpoint
            ));
        }
        warnings
    }

    /// Who connects from now on, here and wherever these options were cloned to. Whether that is anything new.
    pub fn renew(&self, login: Login) -> bool {
        if self.is_for(&login) && self.current().password.as_ref() == Some(&login.1) {
            return false;
        }
        self.renewed.set(login);
        true
    }

    /// The options as they are now, with the login of [`renew`](Self::renew) in its place.
    pub fn current(&self) -> Cow<'_, Self> {
        match self.renewed.get() {
            None => Cow::Borrowed(self),
            Some((user, password)) => Cow::Owned(Self { user, password: Some(password), ..self.clone() }),
        }
    }

    /// Whether a login is for the user of these options.
    pub fn is_for(&self, login: &Login) -> bool {
        self.current().user_or_default() == login.0.as_deref().unwrap_or(DEFAULT_USER)
    }

    /// The user that AUTH names.
    pub(super) fn user_or_default(&self) -> &str {
        self.user.as_deref().unwrap_or(DEFAULT_USER)
    }
}

/// Whose password it is where no user is named.
const DEFAULT_USER: &str = "default";

/// Whether `name` is what `CLIENT SETNAME` takes: printable ASCII without spaces.
pub(super) fn is_client_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether `text` is an IPv6 address, perhaps with a zone (`fe80::1%eth0`).
pub(super) fn is_ipv6(text: &str) -> bool {
    let (address, zone) = text.split_once('%').unwrap_or((text, "0"));
    let zone_is_plain =
        !zone.is_empty() && zone.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    zone_is_plain && address.parse::<Ipv6Addr>().is_ok()
}
