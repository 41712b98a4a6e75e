//! Consumers of a real broker protocol: the mock cluster of librdkafka, in this process.

mod process;

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use process::{Process, wait_for};
use rdkafka::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};

const TOPIC: &str = "orders";

struct Broker {
    cluster: MockCluster<'static, DefaultProducerContext>,
    /// The orders that were billed, one a line.
    done: PathBuf,
}

impl Broker {
    fn with_orders(orders: usize, name: &str) -> Self {
        let cluster = MockCluster::new(1).expect("a broker");
        cluster.create_topic(TOPIC, 2, 1).expect("a topic");
        let producer: BaseProducer = ClientConfig::new()
            .set("bootstrap.servers", cluster.bootstrap_servers())
            .create()
            .expect("a producer");
        for number in 0..orders {
            let (order, partition) = (number.to_string(), i32::from(number % 2 == 1));
            let record = BaseRecord::<(), _>::to(TOPIC).payload(&order);
            producer.send(record.partition(partition)).expect("room");
        }
        producer.flush(process::SOON).expect("the orders are sent");
        let done = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_file(&done);
        Self { cluster, done }
    }

    fn consumer(&self, option: &str) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kafka_consumer"));
        command.env("BROKERS", self.cluster.bootstrap_servers());
        command.env("DONE", &self.done);
        if !option.is_empty() {
            command.arg(option);
        }
        Process::start(&mut command)
    }

    fn billed(&self) -> Vec<usize> {
        let lines = fs::read_to_string(&self.done).unwrap_or_default();
        lines
            .lines()
            .map(|line| line.parse().expect("a number"))
            .collect()
    }
}

/// Returns the number of stops of the consumer; `RESTARTS` sets it.
fn restarts() -> usize {
    let set = env::var("RESTARTS").ok();
    set.map_or(60, |set| set.parse().expect("RESTARTS is a number"))
}

#[test]
fn restarts_at_random_moments_lose_no_order_and_bill_none_twice() {
    let orders = 40 * restarts();
    let broker = Broker::with_orders(orders, "restarts");
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..restarts() {
        let before = broker.billed().len();
        let mut consumer = broker.consumer("");
        // Often before the consumer is there at all; sometimes far into its work.
        if !random.is_multiple_of(4) {
            wait_for("an order is billed", || {
                (broker.billed().len() > before || before == orders).then_some(())
            });
        }
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        thread::sleep(Duration::from_micros(random % 30_000));
        consumer.signal(libc::SIGTERM);
        let ended = consumer.ends();
        // 143: the signal came before deadstop was installed.
        assert!([0, 143].contains(&ended.shell()), "{ended:?}");
    }
    if broker.billed().len() < orders {
        let mut last = broker.consumer("");
        wait_for("all orders are billed", || {
            (broker.billed().len() >= orders).then_some(())
        });
        last.signal(libc::SIGTERM);
        let ended = last.ends();
        assert_eq!(ended.shell(), 0, "{ended:?}");
    }

    let billed = broker.billed();
    let once: BTreeSet<_> = billed.iter().copied().collect();
    assert_eq!(billed.len(), once.len(), "some were billed twice");
    assert_eq!(once.len(), orders, "some were lost");
}

/// The control: without deadstop the signal falls between an order and its commit.
#[test]
fn consumer_without_deadstop_bills_orders_twice() {
    let broker = Broker::with_orders(4000, "plain");
    for _ in 0..200 {
        let before = broker.billed().len();
        let mut consumer = broker.consumer("--plain");
        wait_for("an order is billed", || {
            (broker.billed().len() > before).then_some(())
        });
        consumer.signal(libc::SIGTERM);
        assert_eq!(consumer.ends().shell(), 143);
        let billed = broker.billed();
        let once: BTreeSet<_> = billed.iter().copied().collect();
        if once.len() < billed.len() {
            return;
        }
    }
    panic!("200 ends, and no order was billed twice");
}

#[test]
fn second_consumer_goes_on_at_the_next_offset() {
    let broker = Broker::with_orders(2000, "next");
    let mut first = broker.consumer("");
    wait_for("an order is billed", || {
        (broker.billed().len() > 3).then_some(())
    });
    first.signal(libc::SIGTERM);
    assert_eq!(first.ends().shell(), 0);
    let by_first = broker.billed();
    let mut second = broker.consumer("");
    wait_for("the second bills one", || {
        (broker.billed().len() > by_first.len()).then_some(())
    });
    second.signal(libc::SIGTERM);
    assert_eq!(second.ends().shell(), 0);
    let by_second = &broker.billed()[by_first.len()..];
    for partition in 0..2 {
        let last = by_first.iter().rfind(|order| **order % 2 == partition);
        let next = by_second.iter().find(|order| **order % 2 == partition);
        if let (Some(last), Some(next)) = (last, next) {
            assert_eq!(*next, last + 2, "partition {partition}");
        }
    }
}

#[test]
fn consumer_whose_broker_is_down_leaves_at_once() {
    let broker = Broker::with_orders(3, "down");
    let mut consumer = broker.consumer("");
    wait_for("all are billed", || {
        (broker.billed().len() == 3).then_some(())
    });
    broker.cluster.broker_down(1).expect("it goes down");
    consumer.signal(libc::SIGTERM);
    let ended = consumer.ends();
    assert_eq!(ended.shell(), 0, "{ended:?}");
}

#[test]
fn consumer_whose_broker_answers_late_ends_at_the_deadline_and_is_named() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kafka_consumer"));
    command.arg("--hang").env_remove("BROKERS");
    let mut consumer = Process::start(&mut command);
    thread::sleep(Duration::from_secs(2));
    consumer.signal(libc::SIGTERM);
    let ended = consumer.ends();
    assert_eq!(ended.shell(), 124, "{ended:?}");
    let named = r#"1 task has not returned: "orders consumer""#;
    assert!(ended.stderr.contains(named), "{ended:?}");
    assert!(ended.stderr.contains("rd_kafka_commit"), "{ended:?}");
}
