package tailrace.db2;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.temporal.ChronoUnit;
import java.util.regex.Pattern;

/** Db2's scalar functions that Derby lacks. NULL in, NULL out. */
public final class Functions {
    private static final String DIGITS = "0123456789ABCDEF";
    private static final String[] ALGORITHMS = {"MD5", "SHA-1", "SHA-256", "SHA-512"};
    private static final ThreadLocal<Timestamp[]> clock = ThreadLocal.withInitial(() -> new Timestamp[2]);

    private Functions() {}

    /** An error that the relay gives to the client as Db2's own. */
    static SQLException problem(int code, String state, String... tokens) {
        return new SQLException(code + "|" + state + "|" + String.join("|", tokens), "38901");
    }

    public static byte[] hash(String text, int algorithm) throws SQLException {
        if (text == null) {
            return null;
        }
        return hashBytes(text.getBytes(StandardCharsets.UTF_8), algorithm);
    }

    public static byte[] hashBytes(byte[] data, int algorithm) throws SQLException {
        if (data == null) {
            return null;
        }
        if (algorithm < 0 || algorithm >= ALGORITHMS.length) {
            throw problem(-171, "42815", "2", "HASH");
        }
        try {
            return MessageDigest.getInstance(ALGORITHMS[algorithm]).digest(data);
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    public static String hex(byte[] data) {
        if (data == null) {
            return null;
        }
        char[] text = new char[2 * data.length];
        for (int place = 0; place < data.length; place++) {
            text[2 * place] = DIGITS.charAt(data[place] >> 4 & 15);
            text[2 * place + 1] = DIGITS.charAt(data[place] & 15);
        }
        return new String(text);
    }

    public static String hexText(String text) {
        return text == null ? null : hex(text.getBytes(StandardCharsets.UTF_8));
    }

    public static Integer octetLength(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8).length;
    }

    public static Integer characterLength(String text) {
        return text == null ? null : text.codePointCount(0, text.length());
    }

    public static String left(String text, Integer count) throws SQLException {
        return substring(text, 1, count);
    }

    public static String right(String text, Integer count) throws SQLException {
        if (text == null || count == null) {
            return null;
        }
        int length = characterLength(text);
        return substring(text, Math.max(1, length - count + 1), Math.min(count, length));
    }

    public static String substring(String text, Integer start, Integer count) throws SQLException {
        if (text == null || start == null || count == null) {
            return null;
        }
        if (count < 0) {
            throw problem(-138, "22011", "SUBSTRING");
        }
        int length = text.codePointCount(0, text.length());
        int first = Math.min(Math.max(start - 1, 0), length);
        int last = (int) Math.min(Math.max((long) start - 1 + count, first), length);
        return text.substring(text.offsetByCodePoints(0, first), text.offsetByCodePoints(0, last));
    }

    public static String replace(String text, String wanted, String other) {
        if (text == null || wanted == null || other == null) {
            return null;
        }
        return wanted.isEmpty() ? text : text.replace(wanted, other);
    }

    public static String translate(String text, String to, String from) {
        if (text == null || to == null || from == null) {
            return null;
        }
        int[] wanted = from.codePoints().toArray();
        int[] others = to.codePoints().toArray();
        StringBuilder result = new StringBuilder();
        text.codePoints()
                .forEach(
                        one -> {
                            int found = one;
                            for (int place = 0; place < wanted.length; place++) {
                                if (wanted[place] == one) {
                                    found = place < others.length ? others[place] : ' ';
                                    break;
                                }
                            }
                            result.appendCodePoint(found);
                        });
        return result.toString();
    }

    public static String trimLeading(String text, String characters) {
        if (text == null || characters == null) {
            return null;
        }
        int at = 0;
        while (at < text.length() && characters.indexOf(text.codePointAt(at)) >= 0) {
            at += Character.charCount(text.codePointAt(at));
        }
        return text.substring(at);
    }

    public static String trimTrailing(String text, String characters) {
        if (text == null || characters == null) {
            return null;
        }
        int at = text.length();
        while (at > 0 && characters.indexOf(text.codePointBefore(at)) >= 0) {
            at -= Character.charCount(text.codePointBefore(at));
        }
        return text.substring(0, at);
    }

    public static String trimBoth(String text, String characters) {
        return trimTrailing(trimLeading(text, characters), characters);
    }

    public static String lpad(String text, Integer length, String fill) throws SQLException {
        if (text == null || length == null || fill == null) {
            return null;
        }
        int missing = length - characterLength(text);
        return missing <= 0 ? left(text, length) : left(fill.repeat(missing), missing) + text;
    }

    public static String rpad(String text, Integer length, String fill) throws SQLException {
        if (text == null || length == null || fill == null) {
            return null;
        }
        int missing = length - characterLength(text);
        return missing <= 0 ? left(text, length) : text + left(fill.repeat(missing), missing);
    }

    public static String repeat(String text, Integer count) {
        return text == null || count == null ? null : text.repeat(count);
    }

    public static String chr(Integer code) {
        return code == null ? null : String.valueOf((char) code.intValue());
    }

    public static Integer ascii(String text) {
        return text == null ? null : text.isEmpty() ? 0 : text.getBytes(StandardCharsets.UTF_8)[0] & 255;
    }

    public static Integer posstr(String text, String wanted) {
        return text == null || wanted == null ? null : text.indexOf(wanted) + 1;
    }

    public static Integer locate(String wanted, String text, Integer start) {
        if (text == null || wanted == null || start == null) {
            return null;
        }
        return text.indexOf(wanted, Math.max(start - 1, 0)) + 1;
    }

    public static Boolean regexpLike(String text, String pattern) {
        return text == null || pattern == null ? null : Pattern.compile(pattern).matcher(text).find();
    }

    public static String regexpReplace(String text, String pattern, String other) {
        if (text == null || pattern == null || other == null) {
            return null;
        }
        return Pattern.compile(pattern).matcher(text).replaceAll(other);
    }

    public static Long bitand(Long left, Long right) {
        return left == null || right == null ? null : left & right;
    }

    /** The clock's microseconds; `anchor` is Derby's own reading, the same all through a statement. */
    public static Timestamp now(Timestamp anchor) {
        Timestamp[] last = clock.get();
        if (!anchor.equals(last[0])) {
            last[0] = anchor;
            Instant instant = Instant.now().truncatedTo(ChronoUnit.MICROS);
            last[1] = Timestamp.valueOf(LocalDateTime.ofInstant(instant, ZoneId.systemDefault()));
        }
        return last[1];
    }

    public static Timestamp plusMicroseconds(Timestamp time, Long count) {
        if (time == null || count == null) {
            return null;
        }
        return Timestamp.valueOf(time.toLocalDateTime().plus(count, ChronoUnit.MICROS));
    }

    public static String varcharFormat(Timestamp time, String format) throws SQLException {
        return time == null || format == null ? null : Formats.write(time.toLocalDateTime(), format);
    }

    public static Timestamp timestampFormat(String text, String format) throws SQLException {
        return text == null || format == null ? null : Timestamp.valueOf(Formats.read(text, format));
    }
}
