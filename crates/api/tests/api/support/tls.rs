//! Certificates for tests, and a client over TLS.

use std::{fs, net::SocketAddr, path::Path, sync::Arc};

use axum::{body::Body, http::Request};
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::ask::Answer;

/// An authority that makes certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

/// A certificate with its key.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            pem: certificate.pem(),
            issuer: Issuer::new(params, key),
        }
    }

    /// For a server at 127.0.0.1.
    pub(crate) fn server(&self) -> Identity {
        self.identity("director", ExtendedKeyUsagePurpose::ServerAuth)
    }

    pub(crate) fn client(&self, name: &str) -> Identity {
        self.identity(name, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn identity(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> Identity {
        let mut params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Identity {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}

impl Identity {
    /// Writes it where a configuration may say that it is.
    pub(crate) fn write(&self, certificate: &Path, key: &Path) {
        fs::write(certificate, &self.certificate).expect("a place for it");
        fs::write(key, &self.key).expect("a place for it");
    }
}

/// Somebody who calls over TLS.
pub(crate) struct TlsClient {
    address: SocketAddr,
    connector: TlsConnector,
}

impl TlsClient {
    /// One who believes that authority and, with an identity, shows it.
    pub(crate) fn new(address: SocketAddr, authority: &str, identity: Option<&Identity>) -> Self {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_slice(authority.as_bytes()).expect("PEM");
        roots.add(root).expect("an authority");
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes());
                let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes());
                let chain = vec![certificate.expect("PEM")];
                builder
                    .with_client_auth_cert(chain, key.expect("PEM"))
                    .expect("they fit")
            }
        };
        Self {
            address,
            connector: TlsConnector::from(Arc::new(config)),
        }
    }

    /// Makes a call on a connection of its own; an error when there is none.
    pub(crate) async fn call(&self, request: Request<Body>) -> Result<Answer, String> {
        let mut connection = self.connect().await?;
        connection.call(request).await
    }

    pub(crate) async fn connect(&self) -> Result<TlsConnection, String> {
        let tcp = TcpStream::connect(self.address)
            .await
            .map_err(|error| error.to_string())?;
        let name = ServerName::from(self.address.ip());
        let stream = self
            .connector
            .connect(name, tcp)
            .await
            .map_err(|error| error.to_string())?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        Ok(TlsConnection(sender))
    }
}

/// An open connection.
pub(crate) struct TlsConnection(http1::SendRequest<Body>);

impl TlsConnection {
    pub(crate) async fn call(&mut self, request: Request<Body>) -> Result<Answer, String> {
        let response = self.0.send_request(request).await;
        let (head, body) = response.map_err(|error| format!("{error:?}"))?.into_parts();
        let body = body.collect().await.map_err(|error| error.to_string())?;
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            bytes: body.to_bytes().into(),
        })
    }
}
