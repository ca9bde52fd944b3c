import java.io.DataInputStream;
import java.io.IOException;
import java.text.Normalizer;

/** Facts of the JVM that test_sparknlp_jvm.py compares with: characters, and floats in decimal. */
class Jvm {
  public static void main(String[] arguments) throws IOException {
    StringBuilder out = new StringBuilder();
    for (int code = 0; code < 0x10000; code++) {
      String name = Character.isDefined(code) ? Character.getName(code) : null;
      String decomposed = Normalizer.normalize("" + (char) code, Normalizer.Form.NFD);
      out.append(name != null && name.contains("PUNCTUATION") ? 'P' : '-');
      out.append(Character.isWhitespace((char) code) ? 'W' : '-');
      out.append(Character.isISOControl((char) code) ? 'C' : '-');
      out.append(Character.isDefined(code) ? 'D' : '-');
      for (char unit : decomposed.replaceAll("\\p{InCombiningDiacriticalMarks}+", "").toCharArray())
        out.append(String.format("%04x", (int) unit));
      out.append('\n');
    }
    DataInputStream floats = new DataInputStream(System.in);
    for (int left = floats.readInt(); left > 0; left--)
      out.append(Float.toString(floats.readFloat())).append('\n');
    System.out.print(out);
  }
}
