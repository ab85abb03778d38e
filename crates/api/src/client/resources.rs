//! The calls, one for each operation of the API.

use dray_model::document::{self, Document};
use hyper::Method;
use serde_json::Value;

use super::{Call, CallError, Client, Tagged, with_query};
use crate::{
    Precondition,
    v1::{
        ApplyQuery, ConfirmQuery, Confirmed, Connections, ConnectionsQuery, Counters, Drain,
        DrainRequest, Drains, EndQuery, Ended, HistoricConfiguration, History, Neighbours, Outcome,
        Reals, Reloaded, RollbackRequest, Services, Status, StopMode, StopRequest, Stopped,
        Templates, TemplatesQuery, Vips, ZeroQuery,
    },
};

/// What the director does.
impl Client {
    /// What the director does at the moment.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn status(&self) -> Result<Status, CallError> {
        self.get("/v1/status").await
    }

    /// What was counted.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn counters(&self) -> Result<Counters, CallError> {
        self.get("/v1/counters").await
    }

    /// The director's addresses.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn vips(&self) -> Result<Vips, CallError> {
        self.get("/v1/vips").await
    }

    /// The hosts that packets are handed to.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn neighbours(&self) -> Result<Neighbours, CallError> {
        self.get("/v1/neighbours").await
    }

    /// Sets counters to 0.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn zero(&self, query: &ZeroQuery) -> Result<(), CallError> {
        let path = with_query("/v1/zero", query);
        self.order(Call::new(Method::POST, &path)).await
    }

    /// The connections that the query asks for.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn connections(&self, query: &ConnectionsQuery) -> Result<Connections, CallError> {
        self.ask("/v1/connections", query).await
    }

    /// Ends the connections that the query asks for.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn end_connections(&self, query: &EndQuery) -> Result<Ended, CallError> {
        let path = with_query("/v1/connections", query);
        self.call(Call::new(Method::DELETE, &path)).await
    }

    /// The persistence templates that the query asks for.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn templates(&self, query: &TemplatesQuery) -> Result<Templates, CallError> {
        self.ask("/v1/templates", query).await
    }
}

/// The configuration as a whole.
impl Client {
    /// The configuration in force, edits included.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn configuration(&self) -> Result<Tagged<Document>, CallError> {
        self.tagged("/v1/configuration").await
    }

    /// The same as the text of a file.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn configuration_text(&self) -> Result<Tagged<String>, CallError> {
        let call = Call::new(Method::GET, "/v1/configuration").accept("application/toml");
        let answer = self.send(call).await?;
        Ok(Tagged {
            tag: self.tag(&answer)?,
            value: String::from_utf8_lossy(&answer.body).into_owned(),
        })
    }

    /// Puts the configuration of a file's text in force, or only tells what that would change.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn apply(
        &self,
        text: String,
        query: &ApplyQuery,
        condition: &Precondition,
    ) -> Result<Outcome, CallError> {
        let path = with_query("/v1/configuration", query);
        let call = Call::new(Method::PUT, &path).body("application/toml", text.into());
        self.call(call.only_if(condition)).await
    }

    /// Keeps the configuration that waits for its confirmation.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn confirm(&self, query: &ConfirmQuery) -> Result<Confirmed, CallError> {
        let path = with_query("/v1/configuration/confirm", query);
        self.call(Call::new(Method::POST, &path)).await
    }

    /// The configurations that were applied last.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn history(&self) -> Result<History, CallError> {
        self.get("/v1/history").await
    }

    /// One of them, with its text.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn historic(&self, number: u64) -> Result<HistoricConfiguration, CallError> {
        self.get(&format!("/v1/history/{number}")).await
    }

    /// Goes back to an earlier configuration.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn rollback(&self, request: &RollbackRequest) -> Result<Outcome, CallError> {
        self.post("/v1/rollback", request).await
    }
}

/// Parts of the configuration.
impl Client {
    /// The director's settings.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn director(&self) -> Result<Tagged<document::Director>, CallError> {
        self.tagged("/v1/director").await
    }

    /// Merges a patch (RFC 7396) into the director's settings.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn patch_director(
        &self,
        patch: &Value,
        condition: &Precondition,
    ) -> Result<Tagged<document::Director>, CallError> {
        let call = Call::new(Method::PATCH, "/v1/director").json(patch);
        self.with_tag(self.send(call.only_if(condition)).await?)
    }

    /// The virtual services; their tag is that of the configuration.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn services(&self) -> Result<Tagged<Services>, CallError> {
        self.tagged("/v1/services").await
    }

    /// Removes every service; the condition is for the configuration.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn clear(&self, condition: &Precondition) -> Result<(), CallError> {
        let call = Call::new(Method::DELETE, "/v1/services");
        self.order(call.only_if(condition)).await
    }

    /// Adds a service at the end of the list; the condition is for the configuration.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn add_service(
        &self,
        service: &document::Service,
        condition: &Precondition,
    ) -> Result<Tagged<document::Service>, CallError> {
        let call = Call::new(Method::POST, "/v1/services").json(service);
        self.with_tag(self.send(call.only_if(condition)).await?)
    }

    /// One service.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn service(&self, name: &str) -> Result<Tagged<document::Service>, CallError> {
        self.tagged(&service_path(name)).await
    }

    /// Puts a service in the place of the one of that name, or adds it.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn put_service(
        &self,
        name: &str,
        service: &document::Service,
        condition: &Precondition,
    ) -> Result<Tagged<document::Service>, CallError> {
        let call = Call::new(Method::PUT, &service_path(name)).json(service);
        self.with_tag(self.send(call.only_if(condition)).await?)
    }

    /// Merges a patch (RFC 7396) into a service.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn patch_service(
        &self,
        name: &str,
        patch: &Value,
        condition: &Precondition,
    ) -> Result<Tagged<document::Service>, CallError> {
        let call = Call::new(Method::PATCH, &service_path(name)).json(patch);
        self.with_tag(self.send(call.only_if(condition)).await?)
    }

    /// Removes a service.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn remove_service(
        &self,
        name: &str,
        condition: &Precondition,
    ) -> Result<(), CallError> {
        let call = Call::new(Method::DELETE, &service_path(name));
        self.order(call.only_if(condition)).await
    }

    /// The real servers of a service; their tag is the service's.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn reals(&self, service: &str) -> Result<Tagged<Reals>, CallError> {
        self.tagged(&reals_path(service)).await
    }

    /// Adds a real server at the end of its service's list; the condition is for the service.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn add_real(
        &self,
        service: &str,
        real: &document::Real,
        condition: &Precondition,
    ) -> Result<Tagged<document::Real>, CallError> {
        let call = Call::new(Method::POST, &reals_path(service)).json(real);
        self.with_tag(self.send(call.only_if(condition)).await?)
    }

    /// One real server of a service.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn real(
        &self,
        service: &str,
        real: &str,
    ) -> Result<Tagged<document::Real>, CallError> {
        self.tagged(&real_path(service, real)).await
    }

    /// Puts a real server in the place of that one, or adds it.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn put_real(
        &self,
        service: &str,
        real: &str,
        document: &document::Real,
        condition: &Precondition,
    ) -> Result<Tagged<document::Real>, CallError> {
        let call = Call::new(Method::PUT, &real_path(service, real)).json(document);
        self.with_tag(self.send(call.only_if(condition)).await?)
    }

    /// Merges a patch (RFC 7396) into a real server.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn patch_real(
        &self,
        service: &str,
        real: &str,
        patch: &Value,
        condition: &Precondition,
    ) -> Result<Tagged<document::Real>, CallError> {
        let call = Call::new(Method::PATCH, &real_path(service, real)).json(patch);
        self.with_tag(self.send(call.only_if(condition)).await?)
    }

    /// Removes a real server from a service.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn remove_real(
        &self,
        service: &str,
        real: &str,
        condition: &Precondition,
    ) -> Result<(), CallError> {
        let call = Call::new(Method::DELETE, &real_path(service, real));
        self.order(call.only_if(condition)).await
    }
}

/// Drains.
impl Client {
    /// The drains that are under way, and those that ended lately.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn drains(&self) -> Result<Drains, CallError> {
        self.get("/v1/drains").await
    }

    /// One of them.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn drain(&self, id: u64) -> Result<Drain, CallError> {
        self.get(&format!("/v1/drains/{id}")).await
    }

    /// Begins to empty a real server.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn start_drain(&self, request: &DrainRequest) -> Result<Drain, CallError> {
        self.post("/v1/drains", request).await
    }

    /// Calls a drain off.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn cancel_drain(&self, id: u64) -> Result<Drain, CallError> {
        let path = format!("/v1/drains/{id}");
        self.call(Call::new(Method::DELETE, &path)).await
    }
}

/// The daemon as a process.
impl Client {
    /// Makes the daemon read its configuration file again.
    ///
    /// # Errors
    /// See [`CallError`]; a file with errors is [`CallError::Refused`].
    pub async fn reload(&self) -> Result<Reloaded, CallError> {
        self.call(Call::new(Method::POST, "/v1/reload")).await
    }

    /// Ends the daemon. It has left the data plane as asked when this returns.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn stop(&self, mode: StopMode) -> Result<Stopped, CallError> {
        self.post("/v1/stop", &StopRequest { mode }).await
    }
}

fn service_path(name: &str) -> String {
    format!("/v1/services/{}", encoded(name))
}

fn reals_path(service: &str) -> String {
    format!("{}/reals", service_path(service))
}

fn real_path(service: &str, real: &str) -> String {
    format!("{}/{}", reals_path(service), encoded(real))
}

/// A part of a path: all but unreserved characters (RFC 3986 §2.3) and the `:` of ports in percent signs.
fn encoded(part: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte);
    let characters = part.bytes().map(|byte| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    // Parts of dots alone would be taken for steps up or nowhere.
    match part {
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        _ => characters.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parts_of_a_path_whatever_is_in_them() {
        let cases = [
            ("web-1.a_b", "web-1.a_b"),
            ("[2001:db8::1]:80", "%5B2001:db8::1%5D:80"),
            ("a/b?c#d%", "a%2Fb%3Fc%23d%25"),
            ("..", "%2E%2E"),
            ("é", "%C3%A9"),
        ];
        for (name, part) in cases {
            assert_eq!(encoded(name), part);
        }
    }
}
