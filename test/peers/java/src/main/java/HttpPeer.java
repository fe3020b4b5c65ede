import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Version;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.cert.CertificateFactory;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/**
 * java.net.http.HttpClient: {@code HttpPeer ASKED SPOKEN BASE CASES SIZES CA}; asked for HTTP/2 in cleartext, it sends
 * {@code Upgrade: h2c} and has to go on in HTTP/1.1. Prints a line of JSON for each case.
 */
public final class HttpPeer {
  private interface Case {
    void run() throws Exception;
  }

  private final HttpClient client;
  private final Version spoken;
  private final String base;
  private final int[] sizes;

  private HttpPeer(String[] args) throws Exception {
    var builder = HttpClient.newBuilder().version(version(args[0]));
    if (args[2].startsWith("https")) {
      builder.sslContext(trusting(Path.of(args[5])));
    }
    client = builder.build();
    spoken = version(args[1]);
    base = args[2];
    sizes = Arrays.stream(args[4].split(",")).mapToInt(Integer::parseInt).toArray();
  }

  private static Version version(String digit) {
    return digit.equals("2") ? Version.HTTP_2 : Version.HTTP_1_1;
  }

  private static SSLContext trusting(Path pem) throws Exception {
    var store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null, null);
    var certificates = CertificateFactory.getInstance("X.509");
    store.setCertificateEntry(
        "ca", certificates.generateCertificate(new ByteArrayInputStream(Files.readAllBytes(pem))));
    var trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    var context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }

  private static String sha256(byte[] body) throws Exception {
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(body));
  }

  private static void check(String what, Object seen, Object wanted) {
    if (!seen.equals(wanted)) {
      throw new IllegalStateException(what + ": " + seen + ", not " + wanted);
    }
  }

  private HttpRequest.Builder to(String path) {
    return HttpRequest.newBuilder(URI.create(base + path));
  }

  private HttpResponse<byte[]> call(HttpRequest.Builder request) throws IOException, InterruptedException {
    var response = client.send(request.build(), BodyHandlers.ofByteArray());
    check("version", response.version(), spoken);
    return response;
  }

  private void gets(String kind) throws Exception {
    for (int size : sizes) {
      var response = call(to("/" + kind + "/" + size));
      check("status", response.statusCode(), 200);
      check("length", response.body().length, size);
      check("hash", sha256(response.body()), response.headers().firstValue("x-sha256").orElse(""));
    }
  }

  private void posts(boolean withLength, boolean expectContinue) throws Exception {
    for (int size : sizes) {
      // Nobody may expect it for nothing (RFC 9110 10.1.1); over HTTP/2 this client then waits for ever.
      if (expectContinue && size == 0) {
        continue;
      }
      var body = new byte[size];
      for (int i = 0; i < size; i++) {
        body[i] = (byte) (i * 7 + (i >> 8));
      }
      var publisher =
          withLength
              ? BodyPublishers.ofByteArray(body)
              : BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body));
      var response = call(to("/post").POST(publisher).expectContinue(expectContinue));
      check("status", response.statusCode(), 200);
      check("what arrived", new String(response.body()), size + " " + sha256(body));
    }
  }

  private void heads() throws Exception {
    for (int size : sizes) {
      var response = call(to("/bytes/" + size).method("HEAD", BodyPublishers.noBody()));
      check("content-length", response.headers().firstValue("content-length").orElse(""), "" + size);
      check("body", response.body().length, 0);
    }
  }

  private void empty() throws Exception {
    var response = call(to("/empty"));
    check("status", response.statusCode(), 204);
    check("body", response.body().length, 0);
  }

  private void same() throws Exception {
    var etag = call(to("/same")).headers().firstValue("etag").orElse("");
    var response = call(to("/same").header("if-none-match", etag));
    check("status", response.statusCode(), 304);
    check("body", response.body().length, 0);
  }

  /** It has no trailers; they must do no harm. */
  private void trailers() throws Exception {
    check("body", new String(call(to("/trailers")).body()), "with trailers");
  }

  public static void main(String[] args) throws Exception {
    var peer = new HttpPeer(args);
    Map<String, Case> tests =
        Map.of(
            "GET", () -> peer.gets("bytes"),
            "GET without length", () -> peer.gets("chunked"),
            "POST", () -> peer.posts(true, false),
            "POST without length", () -> peer.posts(false, false),
            "Expect: 100-continue", () -> peer.posts(true, true),
            "HEAD", peer::heads,
            "204", peer::empty,
            "304", peer::same,
            "answer trailers (passed over)", peer::trailers);
    System.out.println("{\"version\": \"" + System.getProperty("java.version") + "\"}");
    for (String name : args[3].split(",")) {
      String why = "";
      try {
        tests.get(name).run();
      } catch (Exception error) {
        why = String.valueOf(error).replaceAll("[\"\\\\\\n]", " ");
      }
      System.out.println("{\"case\": \"" + name + "\", \"why\": \"" + why + "\"}");
    }
    System.exit(0);
  }
}
