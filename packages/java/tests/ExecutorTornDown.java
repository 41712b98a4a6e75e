import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * A container closes its beans in the wrong order, as Spring may: first the connection pool,
 * then the executor whose tasks need a connection. They wait for one that never comes, and the
 * hook waits for them.
 */
public class ExecutorTornDown {
    private static final BlockingQueue<Object> CONNECTIONS = new ArrayBlockingQueue<>(1);

    public static void main(String[] arguments) throws Exception {
        Case.install(false);
        ExecutorService executor =
            Executors.newFixedThreadPool(2, job -> new Thread(job, "task-executor"));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> close(executor), "context-close"));
        CONNECTIONS.add(new Object());
        for (int n = 0; n < 2; n++) {
            executor.submit(ExecutorTornDown::importOrders);
        }
        System.out.println("ready");
        Thread.sleep(100_000);
    }

    private static Void importOrders() throws InterruptedException {
        while (true) {
            Object connection = CONNECTIONS.take();
            Thread.sleep(10);
            CONNECTIONS.offer(connection);
        }
    }

    private static void close(ExecutorService executor) {
        try {
            // The connection pool, which takes back what it has lent.
            CONNECTIONS.take();
            executor.shutdown();
            executor.awaitTermination(1, TimeUnit.DAYS);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
