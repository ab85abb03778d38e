//! What the API over TCP is known by, and by what it knows its callers: files, read again when they change.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use dray_model::{ApiCallers, ApiTcp};
use rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{NoServerSessionStorage, WebPkiClientVerifier, danger::ClientCertVerifier},
};
use tracing::{info, warn};

use super::{
    files::Stamps,
    tokens::{Tokens, TokensError},
};

/// The files of one door, and what was read of them last.
#[derive(Debug)]
pub(super) struct Credentials {
    options: ApiTcp,
    paths: Vec<PathBuf>,
    read: Mutex<(Stamps, Loaded)>,
}

/// What was read of the files.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    /// What connections are made with.
    pub(super) tls: Arc<ServerConfig>,
    /// Who may call, where that is said by tokens and not by certificates.
    pub(super) tokens: Option<Arc<Tokens>>,
}

/// Why the files of `[director.api.tcp]` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// A file cannot be read.
    #[error("failed to read {} for the API", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is no PEM, or has not what it is for.
    #[error("{} is no PEM file with {wanted}", .path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What it is for.
        wanted: &'static str,
    },
    /// Certificate and key cannot be used together.
    #[error("the certificate {} and the key {} cannot be used", .certificate.display(), .key.display())]
    Certificate {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// The authorities of clients cannot be used.
    #[error("the authorities in {} cannot be used: {why}", .path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The file of tokens has an error.
    #[error("the file of tokens {} has an error", .path.display())]
    Tokens {
        /// The file.
        path: PathBuf,
        /// Where, and what.
        #[source]
        source: TokensError,
    },
}

impl Credentials {
    pub(super) fn load(options: &ApiTcp) -> Result<Self, CredentialsError> {
        let callers = match &options.callers {
            ApiCallers::Certificates { authorities } => authorities,
            ApiCallers::Tokens { file } => file,
        };
        let paths = vec![
            options.certificate.clone(),
            options.key.clone(),
            callers.clone(),
        ];
        // Looked at before they are read: what changes in between is read again.
        let stamps = Stamps::of(&paths);
        Ok(Self {
            options: options.clone(),
            paths,
            read: Mutex::new((stamps, load(options)?)),
        })
    }

    /// What the files say now; if that cannot be used, what they said before.
    pub(super) fn current(&self) -> Loaded {
        let stamps = Stamps::of(&self.paths);
        // What is in there is replaced whole.
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.0 != stamps {
            read.0 = stamps;
            match load(&self.options) {
                Ok(loaded) => {
                    info!("read the API's certificates and tokens again");
                    read.1 = loaded;
                }
                Err(error) => warn!(
                    error = &error as &dyn std::error::Error,
                    "the API goes on with the certificates and tokens from before"
                ),
            }
        }
        read.1.clone()
    }
}

fn load(options: &ApiTcp) -> Result<Loaded, CredentialsError> {
    let provider = Arc::new(ring::default_provider());
    let (verifier, tokens) = match &options.callers {
        ApiCallers::Certificates { authorities } => (Some(verifier(authorities, &provider)?), None),
        ApiCallers::Tokens { file } => (None, Some(Arc::new(tokens(file)?))),
    };
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has what TLS 1.2 and 1.3 need");
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let chain = certificates(&options.certificate)?;
    let key = pem(&options.key, "a private key", |pem| {
        PrivateKeyDer::from_pem_slice(pem)
    })?;
    let mut tls =
        builder
            .with_single_cert(chain, key)
            .map_err(|source| CredentialsError::Certificate {
                certificate: options.certificate.clone(),
                key: options.key.clone(),
                source,
            })?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Nobody comes back on what was verified another time.
    tls.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(Loaded {
        tls: Arc::new(tls),
        tokens,
    })
}

fn verifier(
    authorities: &Path,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, CredentialsError> {
    let fail = |why: String| CredentialsError::Authorities {
        path: authorities.to_owned(),
        why,
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(authorities)? {
        roots
            .add(certificate)
            .map_err(|error| fail(error.to_string()))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|error| fail(error.to_string()))
}

fn tokens(path: &Path) -> Result<Tokens, CredentialsError> {
    let text = String::from_utf8_lossy(&read(path)?).into_owned();
    Tokens::parse(&text).map_err(|source| CredentialsError::Tokens {
        path: path.to_owned(),
        source,
    })
}

/// At least one certificate.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, CredentialsError> {
    pem(path, "certificates", |pem| {
        let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        all.and_then(|all| match all.is_empty() {
            true => Err(rustls::pki_types::pem::Error::NoItemsFound),
            false => Ok(all),
        })
    })
}

fn pem<T>(
    path: &Path,
    wanted: &'static str,
    parse: impl Fn(&[u8]) -> Result<T, rustls::pki_types::pem::Error>,
) -> Result<T, CredentialsError> {
    // The parser's own words may repeat what is in the file, which may be a key.
    parse(&read(path)?).map_err(|_| CredentialsError::Pem {
        path: path.to_owned(),
        wanted,
    })
}

fn read(path: &Path) -> Result<Vec<u8>, CredentialsError> {
    fs::read(path).map_err(|source| CredentialsError::Read {
        path: path.to_owned(),
        source,
    })
}
