import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where patterns match, for test_sparknlp_java_regex.py. A line of input holds a pattern and a text,
 * each as the hexadecimal digits of its UTF-16; the line of output, begin and end of every group of
 * every match, or "error".
 */
class JavaRegex {
  public static void main(String[] arguments) throws IOException {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    StringBuilder out = new StringBuilder();
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] parts = line.split(" ", -1);
      try {
        Matcher matcher = Pattern.compile(decode(parts[0])).matcher(decode(parts[1]));
        while (matcher.find())
          for (int group = 0; group <= matcher.groupCount(); group++)
            out.append(matcher.start(group)).append(' ').append(matcher.end(group)).append(' ');
      } catch (RuntimeException | StackOverflowError exception) {
        out.append(" error");
      }
      out.append('\n');
    }
    System.out.print(out);
  }

  private static String decode(String digits) {
    StringBuilder text = new StringBuilder();
    for (int place = 0; place < digits.length(); place += 4)
      text.append((char) Integer.parseInt(digits.substring(place, place + 4), 16));
    return text.toString();
  }
}
