import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

// A client's pool, as that of an HTTP client: its hook waits for jobs that never end.
public class PoolKeepsAlive {
    public static void main(String[] arguments) {
        ExecutorService pool = Executors.newFixedThreadPool(2);
        pool.submit(() -> { Thread.sleep(600_000); return null; });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            pool.shutdown();
            try {
                pool.awaitTermination(1, TimeUnit.HOURS);
            } catch (InterruptedException ended) {
                return;
            }
        }, "await-pool"));
        System.out.println("ready");
    }
}
