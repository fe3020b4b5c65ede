import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * Calls of all four kinds with messages that are plain bytes, to the server of test/support/kinds-server.ts.
 * Prints one line for each kind: its name and how many messages came back.
 */
public final class Peer {
  private static final int MESSAGES = 100;
  private static final byte[] MESSAGE = new byte[1000];

  private static final MethodDescriptor.Marshaller<byte[]> BYTES =
      new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(byte[] value) {
          return new ByteArrayInputStream(value);
        }

        @Override
        public byte[] parse(InputStream stream) {
          try {
            return stream.readAllBytes();
          } catch (IOException error) {
            throw new UncheckedIOException(error);
          }
        }
      };

  private static MethodDescriptor<byte[], byte[]> method(MethodType type, String name) {
    return MethodDescriptor.<byte[], byte[]>newBuilder(BYTES, BYTES)
        .setType(type)
        .setFullMethodName("serin.Kinds/" + name)
        .build();
  }

  /** Collects what comes back. */
  private static final class Collector implements StreamObserver<byte[]> {
    final List<byte[]> messages = new ArrayList<>();
    final CompletableFuture<List<byte[]>> done = new CompletableFuture<>();

    @Override
    public void onNext(byte[] value) {
      messages.add(value);
    }

    @Override
    public void onError(Throwable error) {
      done.completeExceptionally(error);
    }

    @Override
    public void onCompleted() {
      done.complete(messages);
    }
  }

  private static void sendAll(StreamObserver<byte[]> requests) {
    for (int i = 0; i < MESSAGES; i++) {
      requests.onNext(MESSAGE);
    }
    requests.onCompleted();
  }

  public static void main(String[] args) throws Exception {
    ManagedChannel channel = ManagedChannelBuilder.forTarget(args[0]).usePlaintext().build();
    CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(20, TimeUnit.SECONDS);

    int unary = 0;
    MethodDescriptor<byte[], byte[]> echo = method(MethodType.UNARY, "Unary");
    for (int i = 0; i < MESSAGES; i++) {
      unary += ClientCalls.blockingUnaryCall(channel, echo, options, MESSAGE).length == MESSAGE.length ? 1 : 0;
    }
    System.out.println("unary " + unary);

    int server = 0;
    Iterator<byte[]> answers =
        ClientCalls.blockingServerStreamingCall(
            channel, method(MethodType.SERVER_STREAMING, "ServerStream"), options, MESSAGE);
    while (answers.hasNext()) {
      server += answers.next().length == MESSAGE.length ? 1 : 0;
    }
    System.out.println("server " + server);

    Collector client = new Collector();
    sendAll(
        ClientCalls.asyncClientStreamingCall(
            channel.newCall(method(MethodType.CLIENT_STREAMING, "ClientStream"), options), client));
    byte[] count = client.done.get(20, TimeUnit.SECONDS).get(0);
    System.out.println("client " + new String(count, "US-ASCII"));

    Collector bidi = new Collector();
    sendAll(
        ClientCalls.asyncBidiStreamingCall(
            channel.newCall(method(MethodType.BIDI_STREAMING, "Bidi"), options), bidi));
    System.out.println("bidi " + bidi.done.get(20, TimeUnit.SECONDS).size());
    channel.shutdownNow();
  }
}
