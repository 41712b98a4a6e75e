//! The gate as a tower layer, for servers on hyper: axum, tonic.
//!
//! ```text
//! call ──enter──▶ handler ──▶ response ──▶ body ──end──▶ leave
//!      ╰─refused──▶ 503, or gRPC's UNAVAILABLE
//! ```
//!
//! A request is in flight until the last byte of its response's body was handed to the
//! server or the client went away, not until the handler returns.

mod body;
mod future;

use std::fmt;
use std::task::{Context, Poll};

use http::response::Parts;
use http::{Request, Response, Version, header};
use tower_layer::Layer;
use tower_service::Service;

pub use self::body::GateBody;
pub use self::future::GateFuture;

use super::Gate;

/// The type of gRPC's messages, or how it begins.
const GRPC: &str = "application/grpc";

impl Gate {
    /// Returns a tower layer that enters the gate for each request.
    ///
    /// - Each request is named by its method and path.
    /// - A closed gate answers 503 with `Connection: close`, or gRPC's `UNAVAILABLE`
    ///   (status 14) if the request is gRPC.
    /// - While [`should_close`](Self::should_close) returns `true`, responses in HTTP/1 carry
    ///   `Connection: close`. In HTTP/2 the server must send GOAWAY: end its accept loop when
    ///   [`closing`](Self::closing) resolves.
    /// - Server-sent events count as a [stream](Self::stream); their body ends when the
    ///   gate closes. [`GateLayer::streams`] sets others. A gRPC stream ends with
    ///   `UNAVAILABLE`.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::{Router, routing::get};
    ///
    /// let shutdown = deadstop::Shutdown::builder().install()?;
    /// let gate = shutdown.gate("http requests").open()?;
    /// let app: Router = Router::new()
    ///     .route("/", get(|| async { "hello" }))
    ///     .layer(gate.layer());
    /// # drop(app);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn layer(&self) -> GateLayer {
        GateLayer {
            gate: *self,
            is_stream: is_event_stream,
        }
    }
}

/// A tower layer that enters a gate for each request. Made by [`Gate::layer`].
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
#[derive(Clone, Copy)]
pub struct GateLayer {
    gate: Gate,
    is_stream: fn(&Parts) -> bool,
}

impl GateLayer {
    /// Sets which responses are [streams](Gate::stream) instead of requests; those of
    /// the type `text/event-stream` unless set.
    pub fn streams(mut self, is_stream: fn(&Parts) -> bool) -> Self {
        self.is_stream = is_stream;
        self
    }
}

impl<S> Layer<S> for GateLayer {
    type Service = GateService<S>;

    fn layer(&self, inner: S) -> GateService<S> {
        GateService {
            layer: *self,
            inner,
        }
    }
}

impl fmt::Debug for GateLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GateLayer").field(&self.gate).finish()
    }
}

/// A service that enters a gate for each request. Made by [`Gate::layer`].
///
/// # Examples
///
/// ```
/// use deadstop::drain::{GateBody, GateFuture, GateService};
/// use tower_layer::Layer;
///
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// let gate = shutdown.gate("grpc").open()?;
/// # let service = axum::Router::<()>::new();
/// // A service that is not built by axum or tonic is wrapped by hand. Its futures are
/// // `GateFuture`s, and the bodies of its responses are `GateBody`s.
/// let service: GateService<_> = gate.layer().layer(service);
/// # let _ = service;
/// # fn names<F, B>(_: Option<(GateFuture<F>, GateBody<B>)>) {}
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct GateService<S> {
    layer: GateLayer,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for GateService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<GateBody<R>>;
    type Error = S::Error;
    type Future = GateFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let name = format!("{} {}", request.method(), request.uri().path());
        let version = request.version();
        match self.layer.gate.enter_named(&name) {
            Ok(guard) => GateFuture::entered(self.inner.call(request), self.layer, guard, version),
            Err(refusal) => GateFuture::refused(refusal, is_grpc(&request), version),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for GateService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateService")
            .field("gate", &self.layer.gate)
            .field("inner", &self.inner)
            .finish()
    }
}

fn is_grpc<B>(request: &Request<B>) -> bool {
    has_type(request.headers(), GRPC)
}

fn is_event_stream(response: &Parts) -> bool {
    has_type(&response.headers, "text/event-stream")
}

fn has_type(headers: &http::HeaderMap, prefix: &str) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(prefix.as_bytes()))
}

/// Returns `true` if `Connection: close` means something in this version.
fn has_connection_header(version: Version) -> bool {
    version <= Version::HTTP_11
}
