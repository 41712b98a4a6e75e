import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * No signal: main is done, and the threads of an HTTP client's pool, which are no daemons, keep
 * the JVM for a minute (as OkHttp's dispatcher does).
 */
public class IdlePool {
    public static void main(String[] arguments) throws Exception {
        Case.install(true);
        ThreadPoolExecutor dispatcher = new ThreadPoolExecutor(
            0, Integer.MAX_VALUE, 60, TimeUnit.SECONDS, new SynchronousQueue<>(),
            job -> new Thread(job, "OkHttp Dispatcher"));
        dispatcher.submit(() -> { }).get();
        System.out.println("ready");
        System.out.println("at " + System.nanoTime());
    }
}
