package tailrace.db2;

import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;
import java.security.ProtectionDomain;
import jdk.internal.org.objectweb.asm.ClassReader;
import jdk.internal.org.objectweb.asm.ClassVisitor;
import jdk.internal.org.objectweb.asm.ClassWriter;
import jdk.internal.org.objectweb.asm.Label;
import jdk.internal.org.objectweb.asm.MethodVisitor;
import jdk.internal.org.objectweb.asm.Opcodes;

/**
 * Conversions that Db2 makes and Derby could make, but refuses to compile: numbers to text, dates to
 * timestamps, large objects to bytes.
 *
 * <p>Derby's compilers of types are changed as they are loaded: what they say of these conversions is "yes".
 */
public final class Types implements ClassFileTransformer {
    private static final String COMPILE = "org/apache/derby/impl/sql/compile/";

    private static final int NUMBER = -1;

    public static void premain(String arguments, Instrumentation instrumentation) {
        instrumentation.addTransformer(new Types());
    }

    @Override
    public byte[] transform(
            ClassLoader loader, String name, Class<?> redefined, ProtectionDomain domain, byte[] code) {
        if (name == null || !name.startsWith(COMPILE)) {
            return null;
        }
        switch (name.substring(COMPILE.length())) {
            case "NumericTypeCompiler":
                return allowing(code, java.sql.Types.VARCHAR);
            case "DateTypeCompiler":
                return allowing(code, java.sql.Types.TIMESTAMP);
            case "CharTypeCompiler":
                return allowing(code, NUMBER);
            case "LOBTypeCompiler":
                return allowing(code, java.sql.Types.VARBINARY);
            default:
                return null;
        }
    }

    private static byte[] allowing(byte[] code, int type) {
        ClassReader reader = new ClassReader(code);
        ClassWriter writer = new ClassWriter(reader, ClassWriter.COMPUTE_MAXS);
        reader.accept(
                new ClassVisitor(Opcodes.ASM7, writer) {
                    @Override
                    public MethodVisitor visitMethod(
                            int access, String name, String descriptor, String signature, String[] exceptions) {
                        MethodVisitor method = super.visitMethod(access, name, descriptor, signature, exceptions);
                        boolean asked = name.equals("storable") || type != NUMBER && name.equals("convertible");
                        return asked ? new Allowing(method, type) : method;
                    }
                },
                0);
        return writer.toByteArray();
    }

    /** Begins a method with: if the other type is this one, return true. */
    private static final class Allowing extends MethodVisitor {
        private static final String TYPE_ID = "org/apache/derby/iapi/types/TypeId";
        private final int type;

        Allowing(MethodVisitor method, int type) {
            super(Opcodes.ASM7, method);
            this.type = type;
        }

        @Override
        public void visitCode() {
            super.visitCode();
            Label otherwise = new Label();
            visitVarInsn(Opcodes.ALOAD, 1);
            if (type == NUMBER) {
                visitMethodInsn(Opcodes.INVOKEVIRTUAL, TYPE_ID, "isNumericTypeId", "()Z", false);
                visitJumpInsn(Opcodes.IFEQ, otherwise);
            } else {
                visitMethodInsn(Opcodes.INVOKEVIRTUAL, TYPE_ID, "getJDBCTypeId", "()I", false);
                visitIntInsn(Opcodes.BIPUSH, type);
                visitJumpInsn(Opcodes.IF_ICMPNE, otherwise);
            }
            visitInsn(Opcodes.ICONST_1);
            visitInsn(Opcodes.IRETURN);
            visitLabel(otherwise);
            visitFrame(Opcodes.F_SAME, 0, null, 0, null);
        }
    }
}
