public class Clean {
    public static void main(String[] arguments) throws Exception {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> System.out.println("closed")));
        System.out.println("ready");
        Thread.sleep(600_000);
    }
}
