package deadstop;

import com.sun.jna.Native;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The system that this process runs on, and its library in the jar. */
final class Target {
    /** The systems that a jar may have a library for. */
    static final List<String> KNOWN =
        List.of("linux-x86_64-gnu", "linux-x86_64-musl", "linux-aarch64-gnu", "linux-aarch64-musl");

    /** glibc and its loader, as they are mapped into a process that uses them. */
    private static final Pattern GLIBC =
        Pattern.compile("/(libc\\.so\\.6|libc-2\\.\\d+\\.so|ld-linux[^/\\n]*)$", Pattern.MULTILINE);

    /** A second file would be a second library, with a watchdog of its own. */
    private static String unpacked;

    private Target() {}

    /** Returns the path of the library to load: the same one each time. */
    static synchronized String file() {
        if (unpacked == null) {
            unpacked = find();
        }
        return unpacked;
    }

    private static String find() {
        String named = System.getenv("DEADSTOP_LIBRARY");
        if (named != null) {
            return named;
        }
        String target = of(System.getProperty("os.name"), System.getProperty("os.arch"), maps());
        String resource = resource(target);
        if (Target.class.getResource(resource) == null) {
            throw new UnsatisfiedLinkError(
                "deadstop has no library for "
                    + target
                    + "; this jar has those for "
                    + inJar()
                    + ", and DEADSTOP_LIBRARY may name another file");
        }
        try {
            // A file that JNA deletes when the JVM ends.
            return Native.extractFromResourcePath(resource, Target.class.getClassLoader()).getPath();
        } catch (IOException error) {
            throw new UnsatisfiedLinkError("could not unpack " + resource + " from the jar: " + error);
        }
    }

    /**
     * Returns the name of a system.
     *
     * @param maps the text of /proc/self/maps, or null if it cannot be read
     */
    static String of(String system, String processor, String maps) {
        String machine =
            processor.equals("amd64") ? "x86_64" : processor.equals("arm64") ? "aarch64" : processor;
        if (!system.equals("Linux")) {
            return system.toLowerCase(java.util.Locale.ROOT).replace(' ', '_') + "-" + machine;
        }
        boolean isGlibc = maps == null || GLIBC.matcher(maps).find();
        return "linux-" + machine + (isGlibc ? "-gnu" : "-musl");
    }

    private static String resource(String target) {
        return "/deadstop/" + target + "/libdeadstop.so";
    }

    private static String inJar() {
        return KNOWN.stream()
            .filter(target -> Target.class.getResource(resource(target)) != null)
            .collect(Collectors.joining(", "));
    }

    private static String maps() {
        try {
            return new String(Files.readAllBytes(Path.of("/proc/self/maps")), StandardCharsets.UTF_8);
        } catch (IOException error) {
            return null;
        }
    }
}
