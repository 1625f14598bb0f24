package tailrace.db2;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Base64;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.derby.drda.NetworkServerControl;

/**
 * Apache Derby's network server, and a way for its owner to run statements in it without a driver.
 *
 * <p>One line of base64 words is a request (a number; create, sql, drop or cancel; the database; the statement or
 * port), one line with the same number is the answer. The server ends when its standard input does, so that it never outlives whoever started it.
 */
public final class Engine {
    private static final String OWNER = ";user=DB2INST1";

    public static void main(String[] arguments) throws Exception {
        PrintStream answers = System.out;
        System.setOut(System.err);
        NetworkServerControl server =
                new NetworkServerControl(InetAddress.getByName("127.0.0.1"), Integer.parseInt(arguments[0]));
        server.start(new PrintWriter(System.err, true));
        for (boolean listens = false; !listens; ) {
            try {
                server.ping();
                listens = true;
            } catch (Exception notYet) {
                Thread.sleep(20);
            }
        }
        Class.forName("org.apache.derby.jdbc.EmbeddedDriver");
        BufferedReader requests =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        ExecutorService workers = Executors.newCachedThreadPool();
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            String[] words = line.split(" ");
            workers.execute(
                    () -> {
                        String answer = words[0] + " " + answer(words);
                        synchronized (answers) {
                            answers.println(answer);
                            answers.flush();
                        }
                    });
        }
        Runtime.getRuntime().halt(0);
    }

    private static String answer(String[] words) {
        StringBuilder answer = new StringBuilder("ok");
        try {
            answer(text(words[1]), text(words[2]), words.length > 3 ? text(words[3]) : "", answer);
            return answer.toString();
        } catch (SQLException problem) {
            String message = String.valueOf(problem.getMessage());
            return "error " + word(String.valueOf(problem.getSQLState())) + ' ' + word(message);
        } catch (RuntimeException | ReflectiveOperationException problem) {
            return "error " + word("") + ' ' + word(problem.toString());
        }
    }

    private static void answer(String what, String database, String sql, StringBuilder answer)
            throws SQLException, ReflectiveOperationException {
        String url = "jdbc:derby:memory:" + database;
        switch (what) {
            case "ping":
                break;
            case "create":
                try (Connection owner = DriverManager.getConnection(url + ";create=true" + OWNER);
                        Statement statement = owner.createStatement()) {
                    owner.setAutoCommit(false);
                    for (String part : sql.split(";\\s*\n")) {
                        statement.executeUpdate(part);
                    }
                    owner.commit();
                }
                break;
            case "drop":
                try {
                    DriverManager.getConnection(url + ";drop=true");
                } catch (SQLException done) {
                    if (!"08006".equals(done.getSQLState())) {
                        throw done;
                    }
                }
                break;
            case "cancel":
                Sessions.cancel(Integer.parseInt(sql));
                break;
            default:
                try (Connection owner = DriverManager.getConnection(url + OWNER);
                        Statement statement = owner.createStatement()) {
                    if (statement.execute(sql)) {
                        rows(statement.getResultSet(), answer);
                    }
                }
        }
    }

    private static void rows(ResultSet rows, StringBuilder answer) throws SQLException {
        int width = rows.getMetaData().getColumnCount();
        answer.append(" rows ").append(width);
        while (rows.next()) {
            for (int column = 1; column <= width; column++) {
                answer.append(' ');
                int type = rows.getMetaData().getColumnType(column);
                if (type == java.sql.Types.BINARY
                        || type == java.sql.Types.VARBINARY
                        || type == java.sql.Types.LONGVARBINARY
                        || type == java.sql.Types.BLOB) {
                    byte[] bytes = rows.getBytes(column);
                    answer.append(bytes == null ? "null:" : "BYTES:" + Base64.getEncoder().encodeToString(bytes));
                } else {  // read once: Derby gives a CLOB no second time
                    String value = rows.getString(column);
                    String name = rows.getMetaData().getColumnTypeName(column).replace(' ', '_');
                    answer.append(value == null ? "null:" : name + ':' + word(value));
                }
            }
        }
    }

    private static String text(String word) {
        return new String(Base64.getDecoder().decode(word.substring(1)), StandardCharsets.UTF_8);
    }

    private static String word(String text) {
        return "." + Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }
}
