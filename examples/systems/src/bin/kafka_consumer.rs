//! A Kafka consumer that loses no order at its end, and bills none twice.
//!
//! ```text
//! cargo run --bin kafka_consumer             a broker in this process, 20 orders;
//!                                            ends at Ctrl-C with 0
//! cargo run --bin kafka_consumer -- --hang   the broker answers late;
//!                                            ends at the deadline with 124
//! ```
//!
//! If `BROKERS` is set, it consumes the topic `orders` from these brokers, and appends each
//! order to the file `DONE`. `--plain` is the same consumer without deadstop.

#![expect(clippy::print_stderr, reason = "it talks to the user")]

use std::env;
use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use deadstop::Shutdown;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

const TOPIC: &str = "orders";
const GROUP: &str = "billing";

/// The length of one poll. Another thread cannot wake `poll(None)`, so the loop looks for the
/// request between two polls.
const POLL: Duration = Duration::from_millis(100);

/// The time that the demo works for an order.
const WORK: Duration = Duration::from_millis(50);

/// For calls that the broker answers.
const ANSWER: Duration = Duration::from_secs(5);

fn main() -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    let option = env::args().nth(1).unwrap_or_default();
    let grace = env::var("GRACE_MS").ok().and_then(|ms| ms.parse().ok());
    let grace = Duration::from_millis(grace.unwrap_or(3000));

    let demo = match env::var_os("BROKERS") {
        Some(_) => None,
        None => Some(Demo::start()?),
    };
    let brokers = match &demo {
        Some(demo) => demo.cluster.bootstrap_servers(),
        None => env::var("BROKERS")?,
    };
    let done = Done::open()?;
    if option == "--plain" {
        consume(&brokers, done, || false)?;
        return Ok(ExitCode::SUCCESS);
    }

    let shutdown = Shutdown::builder().grace(grace).install()?;
    // Begun only if the shutdown is not over yet: a signal may have come already. DRAIN then
    // waits until the order at hand is committed and the consumer has left.
    let orders = shutdown.keep("orders consumer");
    match orders.spawn(move |cx| consume(&brokers, done, || cx.is_requested())) {
        Err(_) if shutdown.is_requested() => {}
        started => drop(started?),
    }
    eprintln!("consuming; Ctrl-C ends it");
    if let (Some(demo), "--hang") = (&demo, option.as_str()) {
        thread::sleep(5 * WORK);
        demo.cluster
            .broker_round_trip_time(1, Duration::from_secs(30))?;
        eprintln!("the broker answers after 30 s from now on");
    }
    Ok(shutdown.wait())
}

/// Reads the group's partitions from the committed offsets on. A member that subscribes
/// would wait for the group's rebalance first, some seconds.
fn connect(brokers: &str) -> Result<BaseConsumer, KafkaError> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", GROUP)
        .set("enable.auto.commit", "false")
        .create()?;
    let mut partitions = TopicPartitionList::new();
    let metadata = consumer.fetch_metadata(Some(TOPIC), ANSWER)?;
    for topic in metadata.topics() {
        for partition in topic.partitions() {
            partitions.add_partition(topic.name(), partition.id());
        }
    }
    let committed = consumer.committed_offsets(partitions, ANSWER)?;
    let mut from = TopicPartitionList::new();
    for partition in committed.elements() {
        let offset = match partition.offset() {
            Offset::Invalid => Offset::Beginning,
            committed => committed,
        };
        from.add_partition_offset(partition.topic(), partition.partition(), offset)?;
    }
    consumer.assign(&from)?;
    Ok(consumer)
}

/// Bills orders until `ends`. Each is committed before the next is looked at, and before
/// the end.
fn consume(
    brokers: &str,
    mut done: Done,
    ends: impl Fn() -> bool,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let consumer = connect(brokers)?;
    while !ends() {
        match consumer.poll(POLL) {
            None => {}
            Some(Ok(message)) => {
                done.add(&message)?;
                consumer.commit_message(&message, CommitMode::Sync)?;
            }
            Some(Err(fatal @ KafkaError::MessageConsumptionFatal(_))) => return Err(fatal.into()),
            // The client connects again by itself.
            Some(Err(error)) => log::warn!("{error}"),
        }
    }
    // Talks to the broker: seconds, if it answers late. Here the phase bounds it, and the
    // hang report shows it.
    drop(consumer);
    Ok(())
}

/// The file that lists the billed orders.
struct Done(Option<File>);

impl Done {
    fn open() -> Result<Self, std::io::Error> {
        let Some(path) = env::var_os("DONE").map(PathBuf::from) else {
            return Ok(Self(None));
        };
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        Ok(Self(Some(file)))
    }

    fn add(&mut self, message: &BorrowedMessage<'_>) -> Result<(), std::io::Error> {
        let order = String::from_utf8_lossy(message.payload().unwrap_or_default());
        match &mut self.0 {
            // One write, so that a kill cannot leave half a line.
            Some(file) => file.write_all(format!("{order}\n").as_bytes()),
            None => {
                thread::sleep(WORK);
                eprintln!("billed {order}");
                Ok(())
            }
        }
    }
}

/// A broker in this process, with 20 orders.
struct Demo {
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl Demo {
    fn start() -> Result<Self, KafkaError> {
        let cluster = MockCluster::new(1)?;
        cluster.create_topic(TOPIC, 1, 1)?;
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", cluster.bootstrap_servers())
            .create()?;
        for number in 0..20 {
            let order = format!("order {number}");
            let record = BaseRecord::<(), _>::to(TOPIC).payload(&order);
            producer.send(record).map_err(|(error, _)| error)?;
        }
        producer.flush(ANSWER)?;
        Ok(Self { cluster })
    }
}
