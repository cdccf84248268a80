//! Which names are a secret's, and which values are none.

/// What a secret's name has in it, without `-`, `_` and `.`.
const CONTAINED: [&str; 16] = [
    "pass",
    "pwd",
    "secret",
    "token",
    "bearer",
    "apikey",
    "accesskey",
    "accountkey",
    "masterkey",
    "privatekey",
    "authkey",
    "authorization",
    "credential",
    "signature",
    "cookie",
    "jwt",
];

/// What it ends with: `auth_timeout` and `authSource` are settings.
const LAST: [&str; 4] = ["auth", "auth2", "pw", "psk"];

/// What the name of an option or of an assignment ends with: by themselves these are ordinary words.
const NAMED: [&str; 4] = ["cred", "creds", "salt", "otp"];

/// What an option of authentication ends with that is a setting and no secret: `auth_timeout`.
const SETTINGS: [&str; 21] = [
    "backend",
    "cache",
    "database",
    "db",
    "domain",
    "enabled",
    "file",
    "host",
    "mechanism",
    "method",
    "mode",
    "plugin",
    "port",
    "provider",
    "retries",
    "server",
    "source",
    "timeout",
    "type",
    "url",
    "user",
];

/// Ordinary words that have one of those in them.
const ORDINARY: [&str; 10] = [
    "sshpass",
    "passenger",
    "passport",
    "passive",
    "passthrough",
    "bypass",
    "compass",
    "tokenizer",
    "maxtokens",
    "numtokens",
];

/// Long options that some programs take after one sign, and a password is not.
const LONG: [&str; 20] = [
    "pass",
    "passphrase",
    "passwd",
    "password",
    "pw",
    "pwd",
    "parallel",
    "path",
    "pid",
    "pidfile",
    "pool",
    "port",
    "prefix",
    "print",
    "processes",
    "profile",
    "project",
    "protocol",
    "proxy",
    "psk",
];

/// A name without its signs, and without the ordinary words in it when there is a reason to look for those.
fn squashed(name: &str) -> String {
    let all: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    if !CONTAINED.iter().any(|part| all.contains(part)) {
        return all;
    }
    ORDINARY.iter().fold(all, |rest, word| rest.replace(word, " "))
}

/// The name of an option or of an assignment.
pub(super) fn is_secret(name: &str) -> bool {
    let squashed = squashed(name);
    CONTAINED.iter().any(|part| squashed.contains(part))
        || LAST.iter().chain(&NAMED).any(|part| squashed.ends_with(part))
        || is_auth(name)
        || name
            .split(['-', '_', '.'])
            .any(|part| part.eq_ignore_ascii_case("sig") || part.eq_ignore_ascii_case("pw"))
}

/// `auth-string`: whatever there is for an authentication, but for its settings.
fn is_auth(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let mut parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.next() == Some("auth") && parts.next_back().is_some_and(|last| !SETTINGS.contains(&last))
}

/// The name of what may be a key or the file that has it: `--encryption-key`, `REDIS_KEY`. A public one is no secret.
pub(super) fn is_key(name: &str) -> bool {
    let squashed = squashed(name);
    squashed.ends_with("key") && !squashed.ends_with("publickey") && !squashed.ends_with("pubkey")
}

/// A word by itself, such as redis-server's `requirepass`: more of those have nothing to do with secrets.
pub(super) fn ends_secret(word: &str) -> bool {
    let squashed = squashed(word);
    let one = squashed.strip_suffix('s').unwrap_or(&squashed);
    CONTAINED.iter().chain(&LAST).any(|part| squashed.ends_with(part) || one.ends_with(part))
        || ["passwd", "password", "passphrase", "passcode"].iter().any(|part| one.ends_with(part))
}

/// A client of Redis that takes the password after `-a`.
pub(super) fn is_redis(program: &str) -> bool {
    ["redis-cli", "valkey-cli", "keydb-cli", "redis-benchmark", "valkey-benchmark"].contains(&program)
}

pub(super) fn is_long_option(name: &str) -> bool {
    LONG.contains(&name.to_ascii_lowercase().as_str())
}

/// A file that has a key rather than the key, which may end in base64's filling.
pub(super) fn is_path(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let is_file = [".pem", ".key", ".crt"].iter().any(|end| lower.ends_with(end));
    let is_rooted = ["/", "./", "../", "~/"].iter().any(|start| value.starts_with(start));
    is_file || (is_rooted && !value.ends_with('='))
}

/// What stands after `-p` and is no password: ports, addresses, paths and options.
pub(super) fn is_port(value: &str) -> bool {
    let is_number = |part: &str| part.len() <= 5 && part.bytes().all(|byte| byte.is_ascii_digit());
    value.starts_with(['-', '/']) || value.starts_with("./") || value.split(['.', ':']).all(is_number)
}
