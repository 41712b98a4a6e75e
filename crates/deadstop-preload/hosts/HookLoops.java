public class HookLoops {
    public static void main(String[] arguments) throws Exception {
        Thread hook = new Thread(() -> { for (long n = 0; ; n++) { } }, "flush-hook");
        Runtime.getRuntime().addShutdownHook(hook);
        System.out.println("ready");
        Thread.sleep(600_000);
    }
}
