package tailrace.db2;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Statements of Db2 that take several in Derby, and what its catalog says of types. */
public final class Procedures {
    private static final Pattern TYPE =
            Pattern.compile("([A-Z ]+?)(?:\\s*\\((\\d+)(?:,\\s*(\\d+))?\\))?( FOR BIT DATA)?( NOT NULL)?");

    private static final String COLUMNS =
            "SELECT C.COLUMNNAME, CAST(C.COLUMNDATATYPE AS VARCHAR(128)), C.AUTOINCREMENTVALUE,"
                    + " C.AUTOINCREMENTINC, C.COLUMNDEFAULT, R.REMARKS FROM SYS.SYSCOLUMNS C"
                    + " JOIN SYS.SYSTABLES T ON T.TABLEID = C.REFERENCEID"
                    + " JOIN SYS.SYSSCHEMAS S ON S.SCHEMAID = T.SCHEMAID"
                    + " LEFT JOIN DB2CAT.REMARKS R ON R.TABLEID = T.TABLEID"
                    + " WHERE S.SCHEMANAME = ? AND T.TABLENAME = ? ORDER BY C.COLUMNNUMBER";

    private Procedures() {}

    private static Connection connection() throws SQLException {
        return DriverManager.getConnection("jdbc:default:connection");
    }

    public static void nothing() {}

    /** COMMENT ON TABLE: the remark stays with the table when it is renamed. */
    public static void comment(String schema, String table, String text) throws SQLException {
        try (Connection connection = connection()) {
            String id = null;
            try (PreparedStatement find =
                    connection.prepareStatement(
                            "SELECT t.tableid FROM sys.systables t JOIN sys.sysschemas s"
                                    + " ON s.schemaid = t.schemaid WHERE s.schemaname = ? AND t.tablename = ?")) {
                find.setString(1, schema);
                find.setString(2, table);
                try (ResultSet rows = find.executeQuery()) {
                    if (rows.next()) {
                        id = rows.getString(1);
                    }
                }
            }
            if (id == null) {
                throw Functions.problem(-204, "42704", schema + "." + table);
            }
            try (PreparedStatement forget =
                    connection.prepareStatement("DELETE FROM db2cat.remarks WHERE tableid = ?")) {
                forget.setString(1, id);
                forget.executeUpdate();
            }
            try (PreparedStatement note =
                    connection.prepareStatement("INSERT INTO db2cat.remarks VALUES (?, ?)")) {
                note.setString(1, id);
                note.setString(2, text);
                note.executeUpdate();
            }
        }
    }

    /** ALTER COLUMN SET DATA TYPE: Derby only lengthens text, so the table is made anew, without its indexes. */
    public static void alterType(String schema, String table, String column, String type) throws SQLException {
        try (Connection connection = connection();
                Statement statement = connection.createStatement()) {
            StringBuilder columns = new StringBuilder();
            StringBuilder names = new StringBuilder();
            StringBuilder values = new StringBuilder();
            String remark = null;
            boolean found = false;
            try (PreparedStatement find = connection.prepareStatement(COLUMNS)) {
                find.setString(1, schema);
                find.setString(2, table);
                try (ResultSet rows = find.executeQuery()) {
                    while (rows.next()) {
                        String name = quoted(rows.getString(1));
                        boolean changes = rows.getString(1).equals(column);
                        found = found || changes;
                        remark = rows.getString(6);
                        String separator = columns.length() == 0 ? "" : ", ";
                        columns.append(separator).append(name).append(' ').append(definition(rows, changes, type));
                        names.append(separator).append(name);
                        values.append(separator)
                                .append(changes ? "CAST(" + name + " AS " + type + ")" : name);
                    }
                }
            }
            if (!found) {
                throw Functions.problem(-204, "42704", schema + "." + table);
            }
            String key = key(connection, schema, table);
            String old = quoted(schema) + "." + quoted(table);
            String made = quoted(schema) + ".TAILRACE_ALTERED";
            statement.executeUpdate("CREATE TABLE " + made + " (" + columns + key + ")");
            statement.executeUpdate(
                    "INSERT INTO " + made + " (" + names + ") SELECT " + values + " FROM " + old);
            statement.executeUpdate("DROP TABLE " + old);
            statement.executeUpdate("RENAME TABLE " + made + " TO " + quoted(table));
            if (remark != null) {
                comment(schema, table, remark);
            }
        }
    }

    private static String definition(ResultSet rows, boolean changes, String type) throws SQLException {
        String definition = rows.getString(2);
        if (changes) {
            definition = definition.endsWith(" NOT NULL") ? type + " NOT NULL" : type;
        }
        rows.getLong(4);
        if (!rows.wasNull()) {
            return definition + " GENERATED BY DEFAULT AS IDENTITY (START WITH " + rows.getLong(3)
                    + ", INCREMENT BY " + rows.getLong(4) + ")";
        }
        Object text = rows.getObject(5);
        return text == null ? definition : definition + " DEFAULT " + text;
    }

    private static String key(Connection connection, String schema, String table) throws SQLException {
        StringBuilder key = new StringBuilder();
        try (ResultSet rows = connection.getMetaData().getPrimaryKeys(null, schema, table)) {
            while (rows.next()) {
                key.append(key.length() == 0 ? ", PRIMARY KEY (" : ", ").append(quoted(rows.getString(4)));
            }
        }
        return key.length() == 0 ? "" : key.append(')').toString();
    }

    private static String quoted(String name) {
        return '"' + name.replace("\"", "\"\"") + '"';
    }

    /** CURRENT SERVER. */
    public static String server() throws SQLException {
        try (Connection connection = connection()) {
            String url = connection.getMetaData().getURL();
            return url.substring(url.lastIndexOf(':') + 1);
        }
    }

    public static String typeName(String type) {
        String name = matched(type).group(1);
        return name.equals("CHAR") ? "CHARACTER" : name.equals("LONG VARCHAR") ? "VARCHAR" : name;
    }

    public static Integer typeLength(String type) {
        Matcher matcher = matched(type);
        if (matcher.group(2) != null) {
            return Integer.valueOf(matcher.group(2));
        }
        switch (matcher.group(1)) {
            case "SMALLINT":
                return 2;
            case "INTEGER":
            case "REAL":
            case "DATE":
                return 4;
            case "BIGINT":
            case "DOUBLE":
                return 8;
            case "TIME":
                return 3;
            case "TIMESTAMP":
                return 10;
            case "BOOLEAN":
            case "CHAR":
                return 1;
            default:
                return 32700;
        }
    }

    public static short typeScale(String type) {
        Matcher matcher = matched(type);
        if (matcher.group(1).equals("TIMESTAMP")) {
            return 6;
        }
        return matcher.group(3) == null ? 0 : Short.parseShort(matcher.group(3));
    }

    public static String typeNulls(String type) {
        return matched(type).group(5) == null ? "Y" : "N";
    }

    public static short typeCodepage(String type) {
        Matcher matcher = matched(type);
        boolean text = matcher.group(1).contains("CHAR") || matcher.group(1).equals("CLOB");
        return (short) (text && matcher.group(4) == null ? 1208 : 0);
    }

    private static Matcher matched(String type) {
        Matcher matcher = TYPE.matcher(type.toUpperCase(Locale.ROOT).replace(" ()", ""));
        if (!matcher.matches()) {
            throw new IllegalArgumentException(type);
        }
        return matcher;
    }
}
