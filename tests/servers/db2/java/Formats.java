package tailrace.db2;

import java.sql.SQLException;
import java.time.DateTimeException;
import java.time.LocalDateTime;
import java.util.Locale;

/** The format elements of VARCHAR_FORMAT and TIMESTAMP_FORMAT that numbers are made of. */
final class Formats {
    private static final String[] ELEMENTS = {
        "YYYY", "HH24", "HH12", "FF12", "FF9", "FF6", "FF3", "NNNNNN", "DDD", "FF", "MM", "DD", "HH", "MI", "SS", "YY"
    };

    private Formats() {}

    static String write(LocalDateTime time, String format) throws SQLException {
        StringBuilder text = new StringBuilder();
        for (int at = 0; at < format.length(); ) {
            String element = element(format, at);
            if (element == null) {
                text.append(separator(format, at++));
                continue;
            }
            at += element.length();
            switch (element) {
                case "YYYY":
                    text.append(String.format("%04d", time.getYear()));
                    break;
                case "YY":
                    text.append(String.format("%02d", time.getYear() % 100));
                    break;
                case "MM":
                    text.append(String.format("%02d", time.getMonthValue()));
                    break;
                case "DD":
                    text.append(String.format("%02d", time.getDayOfMonth()));
                    break;
                case "DDD":
                    text.append(String.format("%03d", time.getDayOfYear()));
                    break;
                case "HH24":
                    text.append(String.format("%02d", time.getHour()));
                    break;
                case "HH":
                case "HH12":
                    text.append(String.format("%02d", (time.getHour() + 11) % 12 + 1));
                    break;
                case "MI":
                    text.append(String.format("%02d", time.getMinute()));
                    break;
                case "SS":
                    text.append(String.format("%02d", time.getSecond()));
                    break;
                default:
                    text.append((String.format("%09d", time.getNano()) + "000").substring(0, digits(element)));
            }
        }
        return text.toString();
    }

    static LocalDateTime read(String text, String format) throws SQLException {
        LocalDateTime time = LocalDateTime.of(1, 1, 1, 0, 0);
        int from = 0;
        try {
            for (int at = 0; at < format.length() && from < text.length(); ) {
                String element = element(format, at);
                if (element == null) {
                    separator(format, at++);
                    from++;
                    continue;
                }
                at += element.length();
                int most = element.equals("YYYY") ? 4 : element.equals("DDD") ? 3 : digits(element);
                int start = from;
                while (from < text.length() && from - start < most && Character.isDigit(text.charAt(from))) {
                    from++;
                }
                time = with(time, element, text.substring(start, from));
            }
        } catch (DateTimeException | NumberFormatException problem) {
            throw Functions.problem(-20448, "22007", text, format);
        }
        return time;
    }

    private static LocalDateTime with(LocalDateTime time, String element, String digits) {
        int number = Integer.parseInt((digits + "000000000").substring(0, digits.length()));
        switch (element) {
            case "YYYY":
                return time.withYear(number);
            case "YY":
                return time.withYear(2000 + number);
            case "MM":
                return time.withMonth(number);
            case "DD":
                return time.withDayOfMonth(number);
            case "DDD":
                return time.withDayOfYear(number);
            case "HH24":
                return time.withHour(number);
            case "MI":
                return time.withMinute(number);
            case "SS":
                return time.withSecond(number);
            case "HH":
            case "HH12":
                return time.withHour(number % 12);
            default:
                return time.withNano(Integer.parseInt((digits + "000000000").substring(0, 9)));
        }
    }

    private static int digits(String element) {
        switch (element) {
            case "FF":
            case "FF6":
            case "NNNNNN":
                return 6;
            case "FF3":
                return 3;
            case "FF9":
                return 9;
            case "FF12":
                return 12;
            default:
                return 2;
        }
    }

    private static String element(String format, int at) {
        String rest = format.substring(at).toUpperCase(Locale.ROOT);
        for (String element : ELEMENTS) {
            if (rest.startsWith(element)) {
                return element;
            }
        }
        return null;
    }

    private static char separator(String format, int at) throws SQLException {
        char one = format.charAt(at);
        if ("-./,':; T".indexOf(one) < 0) {
            throw Functions.problem(-20447, "22007", format, "VARCHAR_FORMAT");
        }
        return one;
    }
}
