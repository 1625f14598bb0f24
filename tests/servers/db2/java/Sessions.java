package tailrace.db2;

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.net.Socket;
import org.apache.derby.impl.jdbc.EmbedConnection;

/** The sessions of Derby's network server, which has no way to end a statement whose client went away. */
final class Sessions {
    private Sessions() {}

    /** Ends what runs for the client that is connected from this port. */
    static void cancel(int port) throws ReflectiveOperationException {
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (!thread.getClass().getSimpleName().equals("DRDAConnThread")) {
                continue;
            }
            Object session = field(thread, "session");
            Socket client = session == null ? null : (Socket) field(session, "clientSocket");
            if (client == null || client.getPort() != port) {
                continue;
            }
            Object database = field(thread, "database");
            if (database == null) {
                return;
            }
            Method connection = database.getClass().getDeclaredMethod("getConnection");
            connection.setAccessible(true);
            Object found = connection.invoke(database);
            if (found instanceof EmbedConnection) {
                ((EmbedConnection) found).cancelRunningStatement();
            }
        }
    }

    private static Object field(Object owner, String name) throws ReflectiveOperationException {
        Field field = owner.getClass().getDeclaredField(name);
        field.setAccessible(true);
        return field.get(owner);
    }
}
