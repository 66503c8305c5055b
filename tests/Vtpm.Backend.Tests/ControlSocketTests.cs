using System.Net.Sockets;
using System.Runtime.InteropServices;
using Xunit;

namespace Vtpm.Backend.Tests;

/// <summary>The control socket where this process has no descriptors left; other tests need theirs.</summary>
[CollectionDefinition(nameof(ControlSocketTests), DisableParallelization = true)]
[Collection(nameof(ControlSocketTests))]
public sealed partial class ControlSocketTests
{
    private const int OpenFiles = 7;   // RLIMIT_NOFILE

    [Fact]
    public void ClientThatCannotBeTaken_DoesNotKeepTheServiceAwake_AndIsServedLater()
    {
        using var backend = new Backend();
        string path = Path.Combine(backend.Records, "control.sock");
        using var control = new ControlSocket(backend.Service, path);
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(new UnixDomainSocketEndPoint(path));
        client.Send("status\n"u8);
        WithoutDescriptors(() =>
        {
            for (int i = 0; i < 10; i++) backend.Service.Turn(TimeSpan.Zero);
        });
        for (int i = 0; i < 10; i++) backend.Service.Turn(TimeSpan.Zero);

        // One attempt, and its time stands still.
        Assert.Single(backend.Log, line => line.Contains("control socket: it cannot take a client (TooManyOpenSockets)", StringComparison.Ordinal));
        Assert.False(client.Poll(0, SelectMode.SelectRead));
        backend.Time.Advance(TimeSpan.FromSeconds(1));
        backend.Until(() => client.Poll(0, SelectMode.SelectRead));
        byte[] answer = new byte[64];
        Assert.Equal("ok\n"u8, answer.AsSpan(0, client.Receive(answer)));
    }

    private static void WithoutDescriptors(Action action)
    {
        int free = Duplicate(0);
        Assert.Equal(0, Close(free));
        Assert.Equal(0, GetLimit(OpenFiles, out Limit before));
        Limit none = before with { Soft = (nuint)free };
        Assert.Equal(0, SetLimit(OpenFiles, in none));
        try
        {
            action();
        }
        finally
        {
            Assert.Equal(0, SetLimit(OpenFiles, in before));
        }
    }

    [LibraryImport("libc", EntryPoint = "dup")]
    private static partial int Duplicate(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int GetLimit(int resource, out Limit limit);

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    private static partial int SetLimit(int resource, in Limit limit);

    private record struct Limit(nuint Soft, nuint Hard);
}
