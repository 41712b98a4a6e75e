/** A shutdown hook that loops. */
public class HookLoops {
    public static void main(String[] arguments) throws Exception {
        Case.install(false);
        Runtime.getRuntime().addShutdownHook(new Thread(HookLoops::flush, "flush-hook"));
        System.out.println("ready");
        Thread.sleep(100_000);
    }

    private static void flush() {
        long n = 0;
        while (true) {
            n++;
        }
    }
}
