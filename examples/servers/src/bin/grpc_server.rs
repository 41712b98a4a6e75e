//! A server on tonic: gRPC's health service, with a unary and a streaming call.
//!
//! ```text
//! cargo run --bin grpc_server              then Ctrl-C
//! ```

#![expect(clippy::print_stdout, reason = "it talks to the user")]

use std::error::Error;
use std::pin::Pin;
use std::time::Duration;

use deadstop::{Phase, Shutdown};
use futures_util::stream::{self, Stream};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

fn main() -> Result<(), Box<dyn Error>> {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    let runtime = Runtime::new()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    println!("listens on {}", listener.local_addr()?);
    let shutdown = Shutdown::builder()
        .grace(Duration::from_secs(20))
        .install()?;
    let gate = shutdown
        .gate("grpc calls")
        .budget(Duration::from_secs(2))
        .open()?;
    let server = Server::builder()
        .layer(
            gate.layer()
                .streams(|response| response.extensions.get::<Endless>().is_some()),
        )
        .add_service(HealthServer::new(Service))
        .serve_with_incoming_shutdown(TcpListenerStream::new(listener), gate.closing());
    let served = async { server.await.map_err(|error| error.to_string()) };
    shutdown
        .task("grpc")
        .phase(Phase::DRAIN)
        .drive(&runtime, served)?;
    println!("ready");
    shutdown.wait_and_exit()
}

/// Marks a response that has no end of its own.
#[derive(Clone, Copy)]
struct Endless;

struct Service;

fn serving() -> HealthCheckResponse {
    HealthCheckResponse {
        status: ServingStatus::Serving.into(),
    }
}

#[tonic::async_trait]
impl Health for Service {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        if request.into_inner().service == "slow" {
            println!("a request is in flight");
            tokio::time::sleep(Duration::from_millis(700)).await;
        }
        Ok(Response::new(serving()))
    }

    async fn watch(
        &self,
        _: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let ticks = stream::unfold((), async |()| {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Some((Ok(serving()), ()))
        });
        let mut response = Response::new(Box::pin(ticks) as Self::WatchStream);
        response.extensions_mut().insert(Endless);
        Ok(response)
    }
}
