using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Vtpm.Confinement.Tests;

/// <summary>How a confined process comes by connections, and what it cannot do to the one that makes them.</summary>
public sealed class ParentLinkTests : IDisposable
{
    private readonly SocketPair _pair = SocketPair.Create(keepsMessages: true);

    public void Dispose() => _pair.Dispose();

    [Fact]
    public async Task Connection_ThatIsAskedFor_IsGiven()
    {
        using SocketPair manager = SocketPair.Create();
        Task<SafeFileHandle> asking = Task.Run(() => ParentLink.Connect(_pair.Theirs.SafeHandle), TestContext.Current.CancellationToken);
        Await(ChildMessage.Connect);
        ParentLink.Give(_pair.Ours.SafeHandle, manager.Theirs.SafeHandle);
        using SafeFileHandle given = await asking;
        manager.Theirs.Dispose();
        using var socket = new Socket(new SafeSocketHandle(given.DangerousGetHandle(), ownsHandle: false));
        socket.Send("hello"u8);
        Assert.Equal(5, manager.Ours.Receive(new byte[8]));
    }

    [Theory]
    [InlineData("the manager does not listen")]
    [InlineData("ä reason with letters of two bytes")]
    public async Task Connection_ThatCannotBeMade_IsRefusedWithTheReason(string why)
    {
        Task<SafeFileHandle> asking = Task.Run(() => ParentLink.Connect(_pair.Theirs.SafeHandle), TestContext.Current.CancellationToken);
        Await(ChildMessage.Connect);
        ParentLink.Refuse(_pair.Ours.SafeHandle, why);
        Assert.Equal(why, (await Assert.ThrowsAsync<ConfinementException>(() => asking)).Message);
    }

    [Fact]
    public void Reason_OfAnyLength_Arrives()
    {
        _pair.Theirs.Send([1]);
        Await(ChildMessage.Connect);
        ParentLink.Refuse(_pair.Ours.SafeHandle, new string('€', 10_000));
        byte[] answer = new byte[4096];
        Assert.InRange(_pair.Theirs.Receive(answer), 100, 401);
    }

    [Fact]
    public void Readiness_IsTold()
    {
        Assert.Equal(ChildMessage.None, ParentLink.Take(_pair.Ours.SafeHandle));
        ParentLink.TellReady(_pair.Theirs.SafeHandle);
        Await(ChildMessage.Ready);
    }

    [Fact]
    public void Ends_AreSeen()
    {
        _pair.Theirs.Dispose();
        Assert.Equal(ChildMessage.Ended, ParentLink.Take(_pair.Ours.SafeHandle));
    }

    [Fact]
    public void Parent_ThatHasEnded_IsAnError()
    {
        _pair.Ours.Dispose();
        Assert.Throws<ConfinementException>(() => ParentLink.Connect(_pair.Theirs.SafeHandle));
    }

    [Theory]
    [InlineData(new byte[] { 0 })]
    [InlineData(new byte[] { 3 })]
    [InlineData(new byte[] { 1, 1 })]
    [InlineData(new byte[] { 1, 2, 3, 4 })]
    public void Message_ThatIsNone_IsKnownForIt(byte[] message)
    {
        _pair.Theirs.Send(message);
        Assert.Equal(ChildMessage.Unknown, ParentLink.Take(_pair.Ours.SafeHandle));
    }

    [Fact]
    public void Descriptor_OfAConfinedProcess_IsClosed()
    {
        using SocketPair passed = SocketPair.Create();
        DescriptorPassing.Send(_pair.Theirs.SafeHandle, [1], passed.Theirs.SafeHandle);
        Assert.Equal(ChildMessage.Unknown, ParentLink.Take(_pair.Ours.SafeHandle));
        passed.Theirs.Dispose();
        Assert.Equal(0, passed.Ours.Receive(new byte[1]));
    }

    /// <summary>A process that asks and takes no answer holds nobody up.</summary>
    [Fact]
    public void Child_ThatTakesNoAnswers_IsAnErrorAndNoWait() =>
        Assert.Throws<ConfinementException>(() =>
        {
            for (int i = 0; i < 100_000; i++) ParentLink.Refuse(_pair.Ours.SafeHandle, "no");
        });

    private void Await(ChildMessage expected)
    {
        Assert.True(_pair.Ours.Poll(TimeSpan.FromSeconds(60), SelectMode.SelectRead));
        Assert.Equal(expected, ParentLink.Take(_pair.Ours.SafeHandle));
    }
}
