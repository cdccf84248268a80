//! The connection options: redis-cli's names.
#![allow(clippy::doc_markdown, reason = "doc comments on options are the help, which has no markdown")]

use std::path::PathBuf;

use clap::Args;

use crate::values;

pub(super) const CONNECTION: &str = "Connection";

/// Where to connect and as whom: redis-cli's names.
#[derive(Clone, Default, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Connection {
    /// Server host [default: 127.0.0.1]
    #[arg(short = 'h', value_name = "HOST", global = true, help_heading = CONNECTION)]
    pub host: Option<String>,

    /// Server port [default: 6379]
    #[arg(short = 'p', value_name = "PORT", value_parser = values::port, global = true, help_heading = CONNECTION)]
    pub port: Option<u16>,

    /// Unix socket of the server
    #[arg(short = 's', value_name = "SOCKET", global = true, help_heading = CONNECTION)]
    pub socket: Option<PathBuf>,

    /// Database number
    #[arg(short = 'n', value_name = "DB", global = true, help_heading = CONNECTION)]
    pub database: Option<u32>,

    /// Password; REDISCLI_AUTH is the safer way to pass it
    #[arg(short = 'a', long = "pass", value_name = "PASSWORD", global = true, help_heading = CONNECTION)]
    pub password: Option<String>,

    /// User of the server's access list
    #[arg(long, value_name = "USER", global = true, help_heading = CONNECTION)]
    pub user: Option<String>,

    /// Ask for the password on the terminal
    #[arg(long, global = true, help_heading = CONNECTION)]
    pub askpass: bool,

    /// Say nothing about a password on the command line
    #[arg(long, global = true, help_heading = CONNECTION)]
    pub no_auth_warning: bool,

    /// The server's URL, as the positional one
    #[arg(short = 'u', value_name = "URL", global = true, help_heading = CONNECTION)]
    pub uri: Option<String>,

    /// Use the embedded server: nothing to install
    #[arg(long, global = true, help_heading = CONNECTION)]
    pub demo: bool,

    /// Connect with TLS
    #[arg(long, global = true, help_heading = CONNECTION)]
    pub tls: bool,

    /// Certificates to trust, a PEM file [default: the system's]
    #[arg(long, value_name = "FILE", global = true, help_heading = CONNECTION)]
    pub cacert: Option<PathBuf>,

    /// Directory of certificates to trust, each a PEM file
    #[arg(long, value_name = "DIR", global = true, help_heading = CONNECTION)]
    pub cacertdir: Option<PathBuf>,

    /// Client certificate, a PEM file
    #[arg(long, value_name = "FILE", global = true, help_heading = CONNECTION)]
    pub cert: Option<PathBuf>,

    /// Private key of the client certificate, a PEM file
    #[arg(long, value_name = "FILE", global = true, help_heading = CONNECTION)]
    pub key: Option<PathBuf>,

    /// Server name to ask for and to verify
    #[arg(long, value_name = "NAME", global = true, help_heading = CONNECTION)]
    pub sni: Option<String>,

    /// Do not verify the server's certificate
    #[arg(long, global = true, help_heading = CONNECTION)]
    pub insecure: bool,

    /// Speak RESP2
    #[arg(short = '2', global = true, help_heading = CONNECTION)]
    pub resp2: bool,

    /// Speak RESP3
    #[arg(short = '3', global = true, help_heading = CONNECTION)]
    pub resp3: bool,
}

impl Connection {
    /// Whether options say where a server is.
    pub(crate) fn names_server(&self) -> bool {
        self.host.is_some() || self.port.is_some() || self.socket.is_some() || self.uri.is_some()
    }
}
