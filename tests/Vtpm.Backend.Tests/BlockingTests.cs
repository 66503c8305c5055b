using System.Net.Sockets;
using Vtpm.Xen.Tests;
using Xunit;

namespace Vtpm.Backend.Tests;

/// <summary>A disk and a manager that do not answer, and who waits for them.</summary>
public sealed class BlockingTests : IDisposable
{
    // In memory, where every kernel has leases.
    private readonly DirectoryInfo _images = Directory.CreateDirectory(Path.Combine("/dev/shm", Path.GetRandomFileName()));
    private readonly Backend _backend;
    private readonly RawFrontend _other;

    public BlockingTests()
    {
        _backend = new Backend(with: options => options with { Images = _images.FullName });
        RawFrontend guest = _backend.Running(5);
        guest.Die();
        _backend.Detach(guest);
        _backend.Until(() => _backend.Service.Guests.Count == 0 && _backend.Launcher.Last.HasEnded(out _));
        // Its image is closed.
        _other = _backend.Running(6, Backend.Other);
        for (int i = 0; i < 4; i++) _backend.Service.Turn(TimeSpan.Zero);
    }

    private string Image => Path.Combine(_images.FullName, $"{Backend.Uuid}.img");

    public void Dispose()
    {
        _backend.Dispose();
        _images.Delete(recursive: true);
    }

    [Fact]
    public void ImageThatDoesNotOpen_DelaysNobodyElse()
    {
        RawFrontend guest;
        using (new Lease(Image))
        {
            guest = _backend.Guest(7);
            for (int i = 0; i < 20; i++) _backend.Extend(_other);
            GuestStatus status = _backend.Service.Guests.Single(status => status.Uuid == Backend.Uuid);
            Assert.Equal((GuestState.Starting, 0), (status.State, status.Process));

            _backend.Time.Advance(TimeSpan.FromSeconds(11));
            _backend.Until(() => _backend.HasLogged("does its disk answer?"));
            _backend.Extend(_other);
            Assert.Equal(2, _backend.Launcher.Started.Count);
        }

        _backend.Until(() => _backend.HasLogged("serves domain 7") && guest.BackendState == "2");
        Assert.Equal(3, _backend.Launcher.Started.Count);
    }

    [Fact]
    public void GuestThatGoesMeanwhile_GetsNoProcess_AndTheNextOneDoes()
    {
        RawFrontend next;
        using (new Lease(Image))
        {
            RawFrontend guest = _backend.Guest(7);
            _backend.Until(() => _backend.HasLogged("domain 7 has it"));
            guest.Die();
            _backend.Detach(guest);
            _backend.Until(() => _backend.HasLogged("domain 7 has given it back"));
            next = _backend.Guest(8);
            _backend.Until(() => _backend.HasLogged("domain 8 has it"));
        }

        _backend.Until(() => next.BackendState == "2");
        Assert.Equal(3, _backend.Launcher.Started.Count);
    }

    [Fact]
    public void GuestThatGoesMeanwhile_LeavesNothing()
    {
        using (new Lease(Image))
        {
            RawFrontend guest = _backend.Guest(7);
            _backend.Until(() => _backend.HasLogged("domain 7 has it"));
            guest.Die();
            _backend.Detach(guest);
            _backend.Until(() => _backend.HasLogged("domain 7 has given it back"));
        }

        RawFrontend next = _backend.Running(8);
        _backend.Extend(next);
        Assert.Equal(3, _backend.Launcher.Started.Count);
    }

    [Fact]
    public void ManagerWithACrowdBeforeItsDoor_IsWaitedForByNobodyElse()
    {
        _backend.StopManager();
        using var door = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        door.Bind(new UnixDomainSocketEndPoint(_backend.ManagerSocket));
        door.Listen(1);
        List<Socket> crowd = [];
        while (TryConnect() is { } one) crowd.Add(one);
        using var asked = new ManualResetEventSlim();
        _backend.Launcher.Asks = asked.Set;
        _backend.Guest(7);
        _backend.Until(() => asked.IsSet);
        for (int i = 0; i < 20; i++) _backend.Extend(_other);

        // It still waits, and comes in when there is room.
        Assert.False(_backend.HasLogged("ended by itself"));
        byte[] request = new byte[256];
        int length = 0, accepted = 0;
        _backend.Until(() =>
        {
            if (!door.Poll(0, SelectMode.SelectRead)) return false;
            using Socket guest = door.Accept();
            return ++accepted > crowd.Count && (length = guest.Receive(request)) > 0;
        });
        Assert.True(request.AsSpan(0, length).IndexOf(Backend.Uuid.ToByteArray(bigEndian: true)) > 0);
        Assert.Equal(3, _backend.Launcher.Started.Count);
    }

    private Socket? TryConnect()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(_backend.ManagerSocket));
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }
}
