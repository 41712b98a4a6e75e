import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/** No signal: System.exit runs a hook that awaits a pool whose job loops. */
public class ExitAwaitsPool {
    public static void main(String[] arguments) throws Exception {
        Case.install(false);
        ExecutorService pool = Executors.newFixedThreadPool(1, job -> new Thread(job, "index-builder"));
        pool.submit(ExitAwaitsPool::build);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            pool.shutdown();
            try {
                pool.awaitTermination(1, TimeUnit.DAYS);
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        }, "await-pool"));
        System.out.println("ready");
        System.out.println("at " + System.nanoTime());
        System.exit(0);
    }

    private static void build() {
        long n = 0;
        while (true) {
            n++;
        }
    }
}
