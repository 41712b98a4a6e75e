import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

// As an application context that closes its executor under its tasks: a task does not
// heed the interrupt, and the hook waits for it.
public class ExecutorUnderTasks {
    static final Object LOCK = new Object();

    public static void main(String[] arguments) throws Exception {
        ExecutorService executor = Executors.newSingleThreadExecutor(job -> new Thread(job, "task-1"));
        executor.submit(() -> {
            synchronized (LOCK) {
                for (;;) {
                    try {
                        Thread.sleep(600_000);
                    } catch (InterruptedException ignored) {
                        // The task goes on.
                    }
                }
            }
        });
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            executor.shutdownNow();
            synchronized (LOCK) {
                System.out.println("closed");
            }
        }, "context-close"));
        System.out.println("ready");
        Thread.sleep(600_000);
    }
}
