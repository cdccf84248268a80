//! TLS over TCP: whom to trust, who we are, and what went wrong in words.

mod pem;

use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::Mutex;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error as RustlsError,
    RootCertStore, SignatureScheme,
};

use super::stream::Socket;
use super::{ConnectError, ConnectErrorKind, TlsOptions};
use crate::text::escape_str;

/// Secures `stream` to the server at `host`; `target` is its address as shown to people.
pub(super) async fn secure(
    stream: Socket,
    host: &str,
    target: &str,
    config: Arc<ClientConfig>,
    options: &TlsOptions,
) -> Result<TlsStream<Socket>, ConnectError> {
    let name = options.sni.as_deref().unwrap_or(host);
    let name = ServerName::try_from(name.to_owned()).map_err(|_| {
        options_error(format!("`{}` is no name that a certificate can be checked against", escape_str(name)))
    })?;
    let connecting = TlsConnector::from(config).connect(name, stream);
    connecting.await.map_err(|error| {
        let why = explain(&error).unwrap_or_else(|| match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                "the server closed the connection during the TLS handshake; it may speak plain Redis on this port, want \
                 a client certificate (--cert and --key), or have as many clients as it takes"
                    .to_owned()
            }
            _ => error.to_string(),
        });
        ConnectError::new(ConnectErrorKind::Tls, format!("no TLS with {target}: {why}"))
    })
}

/// What a TLS failure means and what can be done; `None` when the error is not from TLS.
pub(super) fn explain(error: &io::Error) -> Option<String> {
    let error = error.get_ref()?.downcast_ref::<RustlsError>()?;
    Some(match error {
        RustlsError::InvalidCertificate(certificate) => explain_certificate(certificate),
        RustlsError::InvalidMessage(_) => {
            "the answer is not TLS; for a server without TLS use redis:// or leave out --tls".to_owned()
        }
        RustlsError::AlertReceived(AlertDescription::CertificateRequired) => {
            "the server wants a client certificate: give --cert and --key".to_owned()
        }
        RustlsError::AlertReceived(
            alert @ (AlertDescription::HandshakeFailure
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::AccessDenied),
        ) => format!(
            "the server refused us ({alert:?}); check the client certificate given with --cert and --key"
        ),
        other => other.to_string(),
    })
}

fn explain_certificate(error: &CertificateError) -> String {
    use CertificateError as E;
    match error {
        E::UnknownIssuer => {
            "its certificate is signed by nobody we trust; name the authority with --cacert FILE, or use \
                             --insecure on a network that is your own"
                .to_owned()
        }
        E::NotValidForName | E::NotValidForNameContext { .. } => {
            format!("{error}; give the name it was made for with --sni NAME")
        }
        E::Expired | E::ExpiredContext { .. } => "its certificate has expired".to_owned(),
        E::NotValidYet | E::NotValidYetContext { .. } => {
            "its certificate is not valid yet; is the clock right?".to_owned()
        }
        other => format!("its certificate cannot be used: {other}"),
    }
}

/// A configuration that was made, and from what: files may change while we run, so their times are part of the key.
struct Made {
    options: TlsOptions,
    changed: Vec<Option<SystemTime>>,
    config: Arc<ClientConfig>,
}

/// Reading the system's roots takes milliseconds and a pool opens many connections, so configurations are kept; with
/// them their session tickets, which make the next handshake shorter.
static MADE: Mutex<Vec<Made>> = Mutex::new(Vec::new());

/// More differing options than any one program has.
const KEPT: usize = 8;

/// The configuration for `options`, made once.
pub(super) fn client_config(options: &TlsOptions) -> Result<Arc<ClientConfig>, ConnectError> {
    let files = [&options.cacert, &options.cacertdir, &options.cert, &options.key];
    let changed: Vec<_> = files
        .into_iter()
        .map(|file| file.as_ref().and_then(|file| file.metadata().ok()?.modified().ok()))
        .collect();
    let mut made = MADE.lock();
    if let Some(found) = made.iter().find(|made| made.options == *options && made.changed == changed) {
        return Ok(Arc::clone(&found.config));
    }
    let config = Arc::new(make_config(options)?);
    made.retain(|made| made.options != *options);
    if made.len() >= KEPT {
        made.remove(0);
    }
    made.push(Made { options: options.clone(), changed, config: Arc::clone(&config) });
    Ok(config)
}

fn make_config(options: &TlsOptions) -> Result<ClientConfig, ConnectError> {
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = if options.insecure {
        Arc::new(TakesAny(Arc::clone(&provider)))
    } else {
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots(options)?), Arc::clone(&provider))
            .build()
            .map_err(|error| options_error(format!("the trusted roots cannot be used: {error}")))?
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ConnectError::new(ConnectErrorKind::Tls, error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    match (&options.cert, &options.key) {
        (None, None) => Ok(builder.with_no_client_auth()),
        (Some(cert), Some(key)) => {
            let chain = pem::certificates(cert).map_err(options_error)?;
            let secret = pem::private_key(key).map_err(options_error)?;
            builder
                .with_client_auth_cert(chain, secret)
                .map_err(|error| options_error(format!("--cert and --key do not fit together: {error}")))
        }
        (Some(_), None) => Err(options_error("--cert needs --key, the private key of the certificate")),
        (None, Some(_)) => Err(options_error("--key needs --cert, the certificate of the private key")),
    }
}

fn roots(options: &TlsOptions) -> Result<RootCertStore, ConnectError> {
    let mut why = None;
    let mut certificates = Vec::new();
    match (&options.cacert, &options.cacertdir) {
        (None, None) => {
            let loaded = rustls_native_certs::load_native_certs();
            why = loaded.errors.first().map(ToString::to_string);
            certificates = loaded.certs;
        }
        (file, directory) => {
            if let Some(file) = file {
                certificates = pem::certificates(file).map_err(options_error)?;
            }
            if let Some(directory) = directory {
                let (found, wrong) = pem::directory(directory);
                certificates.extend(found);
                why = wrong;
            }
        }
    }
    let mut store = RootCertStore::empty();
    let (added, _) = store.add_parsable_certificates(certificates);
    if added > 0 {
        return Ok(store);
    }
    let from = options.cacert.as_ref().or(options.cacertdir.as_ref());
    let from = from.map_or("the system".to_owned(), |path| escape_str(&path.to_string_lossy()).into_owned());
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    Err(options_error(format!(
        "no trusted root certificate found in {from}{why}; name a PEM file with --cacert FILE"
    )))
}

fn options_error(message: impl Into<String>) -> ConnectError {
    ConnectError::new(ConnectErrorKind::Options, message)
}

/// `--insecure`: any certificate will do. Signatures are still checked, so that the server has at least the key of the
/// certificate it shows.
#[derive(Debug)]
struct TakesAny(Arc<CryptoProvider>);

impl ServerCertVerifier for TakesAny {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, RustlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        let algorithms = &self.0.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, RustlsError> {
        let algorithms = &self.0.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
