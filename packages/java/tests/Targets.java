package deadstop;

/** Which library is loaded on which system. */
public class Targets {
    private static final String GLIBC = "7f10-7f20 r-xp 0 08:01 9      /usr/lib/x86_64-linux-gnu/libc.so.6\n";
    private static final String ALPINE = "7f10-7f20 r-xp 0 08:01 9      /lib/ld-musl-x86_64.so.1\n";

    public static void main(String[] arguments) {
        is("linux-x86_64-gnu", Target.of("Linux", "amd64", GLIBC));
        is("linux-x86_64-musl", Target.of("Linux", "amd64", ALPINE));
        is("linux-aarch64-gnu", Target.of("Linux", "aarch64", "1-2 r-xp 0 0:0 9 /lib/ld-linux-aarch64.so.1\n"));
        is("linux-aarch64-musl", Target.of("Linux", "aarch64", "1-2 r-xp 0 0:0 9 /usr/lib/aarch64-linux-musl/libc.so\n"));
        is("linux-x86_64-gnu", Target.of("Linux", "amd64", null));
        is("mac_os_x-aarch64", Target.of("Mac OS X", "aarch64", null));
        System.setProperty("os.arch", "s390x");
        try {
            Deadstop.builder().install();
        } catch (UnsatisfiedLinkError error) {
            String text = error.getMessage();
            if (text.contains("no library for linux-s390x-gnu") && text.contains("linux-x86_64-gnu")) {
                System.exit(5);
            }
            throw error;
        }
        throw new AssertionError("not refused");
    }

    private static void is(String expected, String found) {
        if (!expected.equals(found)) {
            throw new AssertionError(found + ", not " + expected);
        }
    }
}
