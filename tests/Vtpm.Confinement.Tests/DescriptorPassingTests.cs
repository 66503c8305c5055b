using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Vtpm.Confinement.Tests;

/// <summary>Descriptors over Unix sockets, and what a sender may not do to the receiver.</summary>
public sealed unsafe class DescriptorPassingTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Descriptor_ArrivesWithItsMessage(bool keepsMessages)
    {
        using SocketPair pair = SocketPair.Create(keepsMessages), passed = SocketPair.Create();
        DescriptorPassing.Send(pair.Ours.SafeHandle, "take this"u8, passed.Theirs.SafeHandle);
        byte[] message = new byte[64];
        int length = DescriptorPassing.Receive(pair.Theirs.SafeHandle, message, out SafeFileHandle? descriptor);
        Assert.Equal("take this", Encoding.UTF8.GetString(message, 0, length));
        Assert.NotNull(descriptor);
        // No program that this one starts must get it.
        Assert.Equal(LibC.DescriptorCloseOnExec, LibC.Control(descriptor, LibC.DescriptorFlags, 0));
        passed.Theirs.Dispose();
        using var arrived = new Socket(new SafeSocketHandle(descriptor.DangerousGetHandle(), ownsHandle: false));
        arrived.Send("through"u8);
        Assert.Equal(7, passed.Ours.Receive(message));
        descriptor.Dispose();
        Assert.Equal(0, passed.Ours.Receive(message));
    }

    [Fact]
    public void Message_WithoutADescriptor_BringsNone()
    {
        using SocketPair pair = SocketPair.Create();
        DescriptorPassing.Send(pair.Ours.SafeHandle, "alone"u8, null);
        Assert.Equal(5, DescriptorPassing.Receive(pair.Theirs.SafeHandle, new byte[64], out SafeFileHandle? descriptor));
        Assert.Null(descriptor);
    }

    [Fact]
    public void Message_ThatIsNotThereYet_IsNotWaitedFor()
    {
        using SocketPair pair = SocketPair.Create();
        byte[] message = new byte[8];
        Assert.False(DescriptorPassing.TryReceive(pair.Theirs.SafeHandle, message, out _, out _));
        pair.Ours.Send("now"u8);
        Assert.True(DescriptorPassing.TryReceive(pair.Theirs.SafeHandle, message, out int length, out _));
        Assert.Equal(3, length);
        pair.Ours.Dispose();
        Assert.True(DescriptorPassing.TryReceive(pair.Theirs.SafeHandle, message, out length, out _));
        Assert.Equal(0, length);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(5)]     // does not fit: the kernel cuts the control data off
    [InlineData(200)]
    public void Descriptors_ThatAreSeveral_AreRefusedAndClosed(int count)
    {
        using SocketPair pair = SocketPair.Create(), passed = SocketPair.Create();
        SendSeveral(pair.Ours, passed.Theirs, count);
        var refusal = Assert.Throws<ConfinementException>(() => DescriptorPassing.Receive(pair.Theirs.SafeHandle, new byte[8], out _));
        Assert.Contains("refused", refusal.Message, StringComparison.Ordinal);
        passed.Theirs.Dispose();
        // The end of the stream: there is no copy left.
        Assert.Equal(0, passed.Ours.Receive(new byte[1]));
    }

    [Fact]
    public void Message_ThatIsTooLong_IsRefusedWithItsDescriptor()
    {
        using SocketPair pair = SocketPair.Create(keepsMessages: true), passed = SocketPair.Create();
        DescriptorPassing.Send(pair.Ours.SafeHandle, "a long one"u8, passed.Theirs.SafeHandle);
        Assert.Throws<ConfinementException>(() => DescriptorPassing.Receive(pair.Theirs.SafeHandle, new byte[4], out _));
        passed.Theirs.Dispose();
        Assert.Equal(0, passed.Ours.Receive(new byte[1]));
    }

    [Fact]
    public void Receiver_ThatTakesNothing_HoldsTheSenderUpOnlyIfItIsToWait()
    {
        using SocketPair pair = SocketPair.Create(), passed = SocketPair.Create();
        var refusal = Assert.Throws<ConfinementException>(() =>
        {
            for (int i = 0; i < 100_000; i++) DescriptorPassing.Send(pair.Ours.SafeHandle, new byte[64], passed.Theirs.SafeHandle, wait: false);
        });
        Assert.NotEqual(0, refusal.Error);
    }

    [Fact]
    public void Receiver_ThatHasLeft_IsAnErrorAndNoSignal()
    {
        using SocketPair pair = SocketPair.Create();
        pair.Theirs.Dispose();
        Assert.Throws<ConfinementException>(() => DescriptorPassing.Send(pair.Ours.SafeHandle, "anyone"u8, null));
    }

    [Fact]
    public void Sockets_OfAPair_AreNotPassedOnByChance()
    {
        using SocketPair pair = SocketPair.Create();
        Assert.Equal(LibC.DescriptorCloseOnExec, LibC.Control(pair.Ours.SafeHandle, LibC.DescriptorFlags, 0));
        Assert.Equal(LibC.DescriptorCloseOnExec, LibC.Control(pair.Theirs.SafeHandle, LibC.DescriptorFlags, 0));
    }

    private static void SendSeveral(Socket socket, Socket passed, int count)
    {
        const int header = 16, rights = 1, solSocket = 1;
        byte* control = stackalloc byte[header + (count + 1) * sizeof(int)];
        *(nuint*)control = (nuint)(header + count * sizeof(int));
        ((int*)control)[2] = solSocket;
        ((int*)control)[3] = rights;
        for (int i = 0; i < count; i++) ((int*)control)[4 + i] = (int)passed.Handle;
        byte content = 1;
        var buffer = new LibC.Buffer { Start = &content, Length = 1 };
        var message = new LibC.MessageHeader { Buffers = &buffer, BufferCount = 1, Control = control, ControlLength = (nuint)(header + count * sizeof(int)) };
        Assert.Equal(1, LibC.SendMessage(socket.SafeHandle, &message, 0));
    }
}
