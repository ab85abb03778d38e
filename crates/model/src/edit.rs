//! Edits: a change to one service, real server or setting of a desired state.
//!
//! ```text
//! Desired ─▶ document of what changes ─ edit, merge ─▶ JSON ─ config ─▶ changed part ─┬─▶ Desired, or what is wrong
//!    ╰──────────────────────── all the rest ────────────────── rules of the file ─────┘
//! ```
//!
//! An edited state is one that a file could ask for: what changes is read as a file's would be, and the rules between services
//! are the file's. Only the changed service is read, so that an edit costs the same in a large configuration.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    Desired, Service, ServiceIdentity, ServiceName,
    config::{FieldError, part, patched},
    document::{self, Endpoint, json},
};

/// A change to a desired state.
///
/// New services and real servers go to the end of their lists. A real server is named as its service's document names it. In a
/// patch, `null` gives a key its default; for a key that there never is, it is an error as any value.
#[derive(Clone, Debug, PartialEq)]
pub enum Edit {
    /// Adds a service.
    AddService(document::Service),
    /// Puts a service in the place of the one of that name; without one, adds it if it has that name.
    PutService {
        /// The name that it has now.
        name: ServiceName,
        /// What it is to be. Another name renames it.
        document: document::Service,
    },
    /// Merges a patch into a service.
    PatchService {
        /// Its name.
        name: ServiceName,
        /// The patch of its document (RFC 7396).
        patch: Value,
    },
    /// Removes a service.
    RemoveService {
        /// Its name.
        name: ServiceName,
    },
    /// Adds a real server to a service.
    AddReal {
        /// The service.
        service: ServiceName,
        /// What it is to be.
        real: document::Real,
    },
    /// Puts a real server in the place of that one; without one, adds it if it has that name.
    PutReal {
        /// The service.
        service: ServiceName,
        /// The real server's name now.
        real: Endpoint,
        /// What it is to be. Another address or port makes it another real server at the same place in the list.
        document: document::Real,
    },
    /// Merges a patch into a real server.
    PatchReal {
        /// The service.
        service: ServiceName,
        /// The real server.
        real: Endpoint,
        /// The patch of its document (RFC 7396).
        patch: Value,
    },
    /// Removes a real server from a service.
    RemoveReal {
        /// The service.
        service: ServiceName,
        /// The real server.
        real: Endpoint,
    },
    /// Merges a patch into the director's settings.
    PatchDirector {
        /// The patch of its document (RFC 7396).
        patch: Value,
    },
    /// Removes every service. The rules that give marks stay, as netfilter's do when IPVS's services are cleared.
    Clear,
}

/// Why an edit was refused. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// There is no service of that name.
    #[error("there is no service `{name}`")]
    NoSuchService {
        /// The name.
        name: ServiceName,
    },
    /// The service has no such real server.
    #[error("the service `{service}` has no real server `{real}`")]
    NoSuchReal {
        /// The service.
        service: ServiceName,
        /// The real server.
        real: Endpoint,
    },
    /// What was to be added is there already.
    #[error(transparent)]
    Exists(#[from] Existing),
    /// The state would be one that no file may ask for. At least one error; paths are those of the service, real server or
    /// director that was given or patched.
    #[error("{}", listed(.0))]
    Invalid(Vec<FieldError>),
}

/// What is there already.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Existing {
    /// A service of that name.
    #[error("there is a service `{name}` already")]
    Service {
        /// The name.
        name: ServiceName,
    },
    /// A service of that address or mark.
    #[error("the service `{by}` has {identity} already")]
    Identity {
        /// The address or mark.
        identity: ServiceIdentity,
        /// The service that has it.
        by: ServiceName,
    },
    /// A real server of that address and port.
    #[error("the service `{service}` has the real server `{real}` already")]
    Real {
        /// The service.
        service: ServiceName,
        /// The real server.
        real: Endpoint,
    },
}

fn listed(errors: &[FieldError]) -> String {
    let lines: Vec<_> = errors.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// The state after an edit.
///
/// # Errors
/// When there is not what is to change, there is what is to be added, or no file may ask for the state.
pub fn edit(desired: &Desired, edit: &Edit) -> Result<Desired, EditError> {
    match edit {
        Edit::AddService(document) => add_service(desired, document),
        Edit::PutService { name, document } => match position(desired, name) {
            Some(at) => service(desired, Some(at), &json(document)),
            None if document.name == name.as_str() => add_service(desired, document),
            None => Err(EditError::NoSuchService { name: name.clone() }),
        },
        Edit::PatchService { name, patch } => {
            let at = find(desired, name)?;
            let mut document = json(&document::Service::from(&*desired.services[at]));
            patched::service(&mut document, patch);
            service(desired, Some(at), &document)
        }
        Edit::RemoveService { name } => {
            let mut edited = desired.clone();
            edited.services.remove(find(desired, name)?);
            Ok(edited)
        }
        Edit::AddReal { service, real } => {
            reals(desired, service, |owner, list| add_real(owner, list, real))
        }
        Edit::PutReal {
            service,
            real,
            document,
        } => reals(desired, service, |owner, list| {
            match position_of_real(owner, *real) {
                Some(at) => {
                    list[at] = json(document);
                    Ok(Some(at))
                }
                None if is_named(document, owner, *real) => add_real(owner, list, document),
                None => Err(no_such_real(owner, *real)),
            }
        }),
        Edit::PatchReal {
            service,
            real,
            patch,
        } => reals(desired, service, |owner, list| {
            let at = find_real(owner, *real)?;
            patched::real(&mut list[at], patch);
            Ok(Some(at))
        }),
        Edit::RemoveReal { service, real } => reals(desired, service, |owner, list| {
            list.remove(find_real(owner, *real)?);
            Ok(None)
        }),
        Edit::PatchDirector { patch } => {
            let mut document = json(&document::Director::from(&desired.director));
            patched::director(&mut document, patch);
            director(desired, &document)
        }
        Edit::Clear => Ok(Desired {
            director: desired.director.clone(),
            services: Vec::new(),
        }),
    }
}

fn add_service(desired: &Desired, document: &document::Service) -> Result<Desired, EditError> {
    let identity = part::identity(document);
    for service in &desired.services {
        if service.name.as_str() == document.name {
            let name = service.name.clone();
            return Err(Existing::Service { name }.into());
        }
        if identity == Some(service.identity) {
            return Err(Existing::Identity {
                identity: service.identity,
                by: service.name.clone(),
            }
            .into());
        }
    }
    service(desired, None, &json(document))
}

/// Puts what the document says in the place of the service with that number, or at the end.
fn service(
    desired: &Desired,
    number: Option<usize>,
    document: &Value,
) -> Result<Desired, EditError> {
    let service = part::service(desired, number, document).map_err(EditError::Invalid)?;
    let mut edited = desired.clone();
    match number {
        Some(number) => edited.services[number] = Arc::new(service),
        None => edited.services.push(Arc::new(service)),
    }
    Ok(edited)
}

fn director(desired: &Desired, document: &Value) -> Result<Desired, EditError> {
    Ok(Desired {
        director: part::director(desired, document).map_err(EditError::Invalid)?,
        services: desired.services.clone(),
    })
}

/// Changes the list of a service's real servers, as JSON. `change` says which of them the edit is about, if it is there after it.
fn reals(
    desired: &Desired,
    name: &ServiceName,
    change: impl FnOnce(&Service, &mut Vec<Value>) -> Result<Option<usize>, EditError>,
) -> Result<Desired, EditError> {
    let number = find(desired, name)?;
    let owner = &desired.services[number];
    let document = document::Service::from(&**owner);
    let mut list: Vec<_> = document.real.iter().map(json).collect();
    let about = change(owner, &mut list)?;
    let mut document = json(&document::Service {
        real: Vec::new(),
        ..document
    });
    document["real"] = Value::Array(list);
    service(desired, Some(number), &document).map_err(|error| match (error, about) {
        (EditError::Invalid(errors), Some(about)) => {
            let of_real = |error| of_real(error, about);
            EditError::Invalid(errors.into_iter().map(of_real).collect())
        }
        (error, _) => error,
    })
}

/// An error of a service as one of its real server with that number.
fn of_real(error: FieldError, number: usize) -> FieldError {
    let real = format!("/real/{number}");
    match error.path.strip_prefix(&real) {
        Some(path) if path.is_empty() || path.starts_with('/') => FieldError {
            path: path.to_owned(),
            ..error
        },
        _ => {
            let cause = format!("in its service, `{}`: {}", error.path, error.cause);
            FieldError {
                path: String::new(),
                cause,
                ..error
            }
        }
    }
}

fn add_real(
    owner: &Service,
    list: &mut Vec<Value>,
    document: &document::Real,
) -> Result<Option<usize>, EditError> {
    let taken = endpoint(document).filter(|new| position_of_real(owner, *new).is_some());
    if let Some(real) = taken {
        let service = owner.name.clone();
        return Err(Existing::Real { service, real }.into());
    }
    list.push(json(document));
    Ok(Some(list.len() - 1))
}

fn position(desired: &Desired, name: &ServiceName) -> Option<usize> {
    let mut services = desired.services.iter();
    services.position(|service| service.name == *name)
}

fn find(desired: &Desired, name: &ServiceName) -> Result<usize, EditError> {
    position(desired, name).ok_or_else(|| EditError::NoSuchService { name: name.clone() })
}

fn position_of_real(owner: &Service, name: Endpoint) -> Option<usize> {
    let mut reals = owner.reals.iter();
    reals.position(|real| name.names(real, &owner.identity))
}

fn find_real(owner: &Service, name: Endpoint) -> Result<usize, EditError> {
    position_of_real(owner, name).ok_or_else(|| no_such_real(owner, name))
}

fn no_such_real(owner: &Service, real: Endpoint) -> EditError {
    EditError::NoSuchReal {
        service: owner.name.clone(),
        real,
    }
}

/// Whether the document is about the real server of that name.
fn is_named(document: &document::Real, owner: &Service, name: Endpoint) -> bool {
    let identity = &owner.identity;
    endpoint(document).is_some_and(|own| own.place(identity) == name.place(identity))
}

/// The name of the real server that the document is about, if it says one.
fn endpoint(document: &document::Real) -> Option<Endpoint> {
    document.address.parse().ok()
}
