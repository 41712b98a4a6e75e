//! The answer to one request: the handler's, or the gate's refusal.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::response::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode, Version, header};
use pin_project_lite::pin_project;

use super::{GRPC, GateBody, GateLayer, has_connection_header, has_type};
use crate::drain::gate::{GateClosed, GateGuard};

/// gRPC's status for a server that is about to go.
const UNAVAILABLE: HeaderValue = HeaderValue::from_static("14");

pin_project! {
    /// The answer to one request: the handler's, or the gate's refusal.
    pub struct GateFuture<F> {
        #[pin]
        handler: Option<F>,
        entered: Option<(GateLayer, GateGuard)>,
        refusal: Option<Parts>,
        version: Version,
    }
}

impl<F> GateFuture<F> {
    pub(super) fn entered(
        handler: F,
        layer: GateLayer,
        guard: GateGuard,
        version: Version,
    ) -> Self {
        Self {
            handler: Some(handler),
            entered: Some((layer, guard)),
            refusal: None,
            version,
        }
    }

    pub(super) fn refused(refusal: GateClosed, is_grpc: bool, version: Version) -> Self {
        Self {
            handler: None,
            entered: None,
            refusal: Some(refuse(refusal, is_grpc, version)),
            version,
        }
    }
}

impl<F, R, E> Future for GateFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<GateBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Some(refusal) = this.refusal.take() {
            let response = Response::from_parts(refusal, GateBody::refusal());
            return Poll::Ready(Ok(response));
        }
        let Some(handler) = this.handler.as_pin_mut() else {
            // It has returned its refusal, and is polled again against the contract.
            return Poll::Pending;
        };
        let response = ready!(handler.poll(context));
        let Some((layer, guard)) = this.entered.take() else {
            // It has returned its response, and is polled again against the contract.
            return Poll::Pending;
        };
        let version = *this.version;
        Poll::Ready(response.map(|response| hold(response, layer, guard, version)))
    }
}

/// Makes the response's body hold the guard, as a request or as a stream.
fn hold<R>(
    response: Response<R>,
    layer: GateLayer,
    guard: GateGuard,
    version: Version,
) -> Response<GateBody<R>> {
    let (mut parts, body) = response.into_parts();
    if has_connection_header(version) && layer.gate.should_close() {
        close_connection(&mut parts);
    }
    if !(layer.is_stream)(&parts) {
        return Response::from_parts(parts, GateBody::request(body, guard));
    }
    let is_grpc = has_type(&parts.headers, GRPC);
    let trailers = is_grpc.then(|| unavailable(&GateClosed::new(layer.gate.name())));
    let body = GateBody::stream(body, guard.into_stream(), trailers);
    Response::from_parts(parts, body)
}

impl<F> fmt::Debug for GateFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateFuture")
            .field("entered", &self.entered)
            .field("refusal", &self.refusal)
            .finish_non_exhaustive()
    }
}

fn refuse(refusal: GateClosed, is_grpc: bool, version: Version) -> Parts {
    let (mut parts, ()) = Response::new(()).into_parts();
    if is_grpc {
        let grpc = HeaderValue::from_static(GRPC);
        parts.headers = unavailable(&refusal);
        parts.headers.insert(header::CONTENT_TYPE, grpc);
    } else {
        parts.status = StatusCode::SERVICE_UNAVAILABLE;
    }
    if has_connection_header(version) {
        close_connection(&mut parts);
    }
    parts
}

/// Returns the status with which a gRPC response ends.
fn unavailable(refusal: &GateClosed) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("grpc-status", UNAVAILABLE);
    if let Ok(message) = HeaderValue::from_str(&refusal.to_string()) {
        headers.insert("grpc-message", message);
    }
    headers
}

fn close_connection(parts: &mut Parts) {
    let close = HeaderValue::from_static("close");
    parts.headers.insert(header::CONNECTION, close);
}
