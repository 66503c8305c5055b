using System.Net.Sockets;
using System.Runtime.Versioning;
using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.Transports;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>
/// Saves of many vTPMs at once, on the manager's real sockets: they share barriers, and none is acknowledged before its own (ADR 12). What clients
/// have sent before the manager runs is in its first turn, so that nothing here depends on time.
/// </summary>
[UnsupportedOSPlatform("windows")]
public sealed class SharedSaveTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("vtpm-shared-");
    private readonly TestHardware _hardware = ManagerRig.CreateOwned(HardwareKind.Engine);
    private readonly byte[] _bytes = new byte[ManagerImage.DefaultLength];
    private readonly CountingStore _store;
    private readonly List<string> _log = [];
    private readonly List<VtpmSocket> _sockets = [];
    private VtpmManager? _manager;

    public SharedSaveTests() => _store = new CountingStore(_bytes);

    public void Dispose()
    {
        _sockets.ForEach(socket => socket.Dispose());
        _manager?.Dispose();
        _hardware.Dispose();
        _directory.Delete(recursive: true);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(100)]
    public void Saves_OfOneTurn_ShareOneBarrier(int vtpms)
    {
        Start(vtpms, known: true);
        foreach (VtpmSocket vtpm in _sockets) vtpm.Save(7);
        int barriers = Run(() => _sockets.ForEach(vtpm => Assert.Equal(TpmResult.Success, vtpm.Receive())));
        Assert.Equal(1, barriers);
        AssertKeysAfterARestart(7);
    }

    [Fact]
    public void FirstSaves_OfOneTurn_ShareOneBarrierToo_AndTheFirstIsAdministrator()
    {
        Start(vtpms: 60, known: false);
        foreach (VtpmSocket vtpm in _sockets) vtpm.Save(7);
        int barriers = Run(() => _sockets.ForEach(vtpm => Assert.Equal(TpmResult.Success, vtpm.Receive())));
        Assert.Equal(1, barriers);
        Assert.Equal(ManagerVtpmFlags.Admin, Assert.Single(_manager!.Service.Image.Groups[0].Vtpms, vtpm => vtpm.Flags != 0).Flags);
        AssertKeysAfterARestart(7);
    }

    [Fact]
    public void Saves_OfOneVtpm_KeepTheirOrder()
    {
        Start(vtpms: 2, known: true);
        for (byte key = 1; key <= 5; key++) _sockets[0].Save(key);
        _sockets[0].Load();
        _sockets[0].Save(6);
        _sockets[1].Save(9);
        int barriers = Run(() =>
        {
            for (int i = 0; i < 5; i++) Assert.Equal(TpmResult.Success, _sockets[0].Receive());
            Assert.Equal(TpmResult.Success, _sockets[0].Receive(out byte[] loaded));
            Assert.Equal(VtpmSocket.Key(5), loaded[TpmHeader.Size..]);
            Assert.Equal(TpmResult.Success, _sockets[0].Receive());
            Assert.Equal(TpmResult.Success, _sockets[1].Receive());
        });
        Assert.Equal(6, barriers);   // the other one's save shared the first
    }

    [Fact]
    public void OtherCommand_BetweenSavesOfATurn_ComesAfterThoseBeforeIt()
    {
        Start(vtpms: 5, known: true);
        _sockets[0].Save(1);
        _sockets[1].Save(1);
        _sockets[2].Load();
        _sockets[3].Save(1);
        _sockets[4].Save(1);
        int barriers = Run(() => _sockets.ForEach(vtpm => Assert.Equal(TpmResult.Success, vtpm.Receive())));
        Assert.Equal(2, barriers);
        Assert.Equal([1, 1, 0, 0, 0], Keys(_store.AtBarriers[0]).Select(key => key[0]));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void SharedSave_MediumFails_NobodyIsToldYesAndTheKeysBeforeAreKept(bool known)
    {
        Start(vtpms: 20, known);
        foreach (VtpmSocket vtpm in _sockets) vtpm.Save(7);
        _store.FailingBarriers = 1;
        Run(() => _sockets.ForEach(vtpm => Assert.Equal(TpmResult.IOError, vtpm.Receive())));
        Assert.Equal(known ? 20 : 0, _manager!.VtpmCount);
        if (known) AssertKeysAfterARestart(0);
    }

    [Fact]
    public void SharedSave_MediumFails_TheSameConnectionsSaveAgain()
    {
        Start(vtpms: 20, known: false);
        foreach (VtpmSocket vtpm in _sockets)
        {
            vtpm.Save(7);
            vtpm.Save(8);
        }

        _store.FailingBarriers = 1;
        Run(() =>
        {
            _sockets.ForEach(vtpm => Assert.Equal(TpmResult.IOError, vtpm.Receive()));
            _sockets.ForEach(vtpm => Assert.Equal(TpmResult.Success, vtpm.Receive()));
        });
        AssertKeysAfterARestart(8);
    }

    [Fact]
    public void SharedSave_PowerCutAtAnyWrite_KeepsEveryAcknowledgedKey()
    {
        // Each on a sector of its own; no answer leaves before the barrier, so that before the root is written the keys must be the old ones.
        Start(vtpms: 20, known: true, apart: 50);
        foreach (VtpmSocket vtpm in _sockets) vtpm.Save(7);
        _store.KeepsWrites = true;
        Run(() => _sockets.ForEach(vtpm => Assert.Equal(TpmResult.Success, vtpm.Receive())));
        Assert.Equal(20 + 3, _store.BeforeWrites.Count);
        Assert.All(_store.BeforeWrites, disk => Assert.All(Keys(disk), key => Assert.Equal(VtpmSocket.Key(0), key)));
        Assert.All(Keys(_bytes), key => Assert.Equal(VtpmSocket.Key(7), key));
    }

    [Fact]
    public void SecondConnectionOfAVtpm_InTheTurnOfItsFirstSave_IsRefused()
    {
        Start(vtpms: 1, known: false);
        using var twin = new VtpmSocket(_sockets[0].Address);
        _sockets[0].Save(1);
        twin.Save(2);
        Run(() =>
        {
            Assert.Equal(TpmResult.Success, _sockets[0].Receive());
            Assert.Equal(TpmResult.Disabled, twin.Receive());
        });
        AssertKeysAfterARestart(1);
    }

    [Fact]
    public void ClientThatFloods_HoldsNobodyUp()
    {
        const int flood = 100;   // as many as the socket takes while nobody reads
        Start(vtpms: 8, known: true);
        for (int i = 0; i < flood; i++) _sockets[0].Save(1);
        foreach (VtpmSocket vtpm in _sockets.Skip(1)) vtpm.Save(2);
        Run(() =>
        {
            foreach (VtpmSocket vtpm in _sockets.Skip(1)) Assert.Equal(TpmResult.Success, vtpm.Receive());
            for (int i = 0; i < flood; i++) Assert.Equal(TpmResult.Success, _sockets[0].Receive());
        });

        // One turn has one command of each: all the others are done with the first.
        Assert.Equal([1, .. Enumerable.Repeat<byte>(2, 7)], Keys(_store.AtBarriers[0]).Select(key => key[0]));
        Assert.Equal(flood, _store.Barriers);
    }

    [Fact]
    public void ImageWithLittleRoom_SavesInSeveralParts()
    {
        // Twenty thousand vTPMs leave 86 sectors: a turn that changes more of them than fit is saved in parts.
        Start(vtpms: 100, known: true, others: 20_000, apart: 195);
        foreach (VtpmSocket vtpm in _sockets) vtpm.Save(7);
        int barriers = Run(() => _sockets.ForEach(vtpm => Assert.Equal(TpmResult.Success, vtpm.Receive())));
        Assert.InRange(barriers, 2, 4);
        AssertKeysAfterARestart(7);
    }

    /// <summary>A manager that does not run yet, with a connection for each vTPM; those that are known have a key already.</summary>
    private void Start(int vtpms, bool known, int others = 0, int apart = 1)
    {
        ManagerOptions options = Options();
        using (VtpmManager manager = VtpmManager.Start(options))
        {
            manager.Provision(new ProvisioningOptions { KeyPath = Path.Combine(_directory.FullName, "approval.pem") });
            ManagerGroup group = manager.Service.Image.Groups[0];
            for (int i = 0; known && i < Math.Max(vtpms * apart, others); i++)
            {
                Guid uuid = i % apart == 0 && i / apart < vtpms ? Uuid(i / apart) : Guid.NewGuid();
                group.AddVtpm(uuid, ManagerVtpmFlags.None)!.SetKeyData(VtpmSocket.Key(0));
            }

            for (int i = 0; i < 2; i++) Assert.Equal(ManagerWrite.Saved, manager.Service.Image.Save().Write);
        }

        _manager = VtpmManager.Start(options with { FirstIsAdmin = true, Vtpms = [.. Enumerable.Range(0, vtpms).Select(i => new VtpmListener(Uuid(i), Address(i)))] });
        for (int i = 0; i < vtpms; i++) _sockets.Add(new VtpmSocket(Address(i)));
    }

    /// <summary>Runs the manager until the clients have what they expect, which have sent all of it before.</summary>
    /// <returns>The barriers that it took.</returns>
    private int Run(Action clients)
    {
        using var stop = new CancellationTokenSource();
        _store.Restart();
        var thread = new Thread(() => _manager!.Run(stop.Token));
        thread.Start();
        try
        {
            clients();
        }
        finally
        {
            _store.IsCounting = false;   // what a manager does at its end, nobody has waited for
            stop.Cancel();
            thread.Join();
        }

        return _store.Barriers;
    }

    private void AssertKeysAfterARestart(byte key)
    {
        _manager!.Dispose();
        Assert.Equal(Enumerable.Repeat(key, _sockets.Count), Keys(_bytes).Select(found => found[0]));
    }

    /// <summary>What another manager finds on that disk: the vTPMs' keys, in the order of the sockets.</summary>
    private byte[][] Keys(byte[] disk)
    {
        using VtpmManager manager = VtpmManager.Start(Options() with { Image = new MemoryBlockStore([.. disk]) });
        return [.. _sockets.Select((_, i) => manager.Service.Image.FindVtpm(Uuid(i))!.KeyData[..VtpmHashKey.MinSize].ToArray())];
    }

    private ManagerOptions Options() => new()
    {
        // Its last save, at a clean stop, would be among those that are counted; and one hardware TPM stands for that of every moment.
        RollbackProtection = RollbackProtection.Off,
        Hardware = TpmAddress.Named("test", "hardware"),
        Connect = _ => _hardware.Connect(),
        Image = _store,
        Log = _log.Add,
    };

    private TpmAddress Address(int number) => TpmAddress.Unix(Path.Combine(_directory.FullName, $"{number}"));

    private static Guid Uuid(int number) => Guid.Parse($"5a5a5a5a-0000-4000-8000-{number:x12}");

    /// <summary>A vTPM's connection that sends ahead of the answers.</summary>
    private sealed class VtpmSocket : IDisposable
    {
        private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

        public VtpmSocket(TpmAddress address)
        {
            Address = address;
            _socket.Connect(new UnixDomainSocketEndPoint(address.Name));
            _socket.ReceiveTimeout = _socket.SendTimeout = 60_000;   // a hang is a failure
        }

        public TpmAddress Address { get; }

        public static byte[] Key(byte fill) => [.. Enumerable.Repeat(fill, VtpmHashKey.MinSize)];

        public void Save(byte key) => Send(VtpmManagerOrdinal.SaveHashKey, Key(key));

        public void Load() => Send(VtpmManagerOrdinal.LoadHashKey, []);

        public TpmResult Receive() => Receive(out _);

        public TpmResult Receive(out byte[] response)
        {
            byte[] header = ReceiveExactly(TpmHeader.Size);
            response = [.. header, .. ReceiveExactly((int)TpmMessage.ReadSize(header) - header.Length)];
            Assert.Equal(TpmResult.Success, WireFormat.Read(header, out TpmHeader read));
            return read.ReturnCode;
        }

        public void Dispose() => _socket.Dispose();

        private void Send(VtpmManagerOrdinal ordinal, byte[] parameters)
        {
            var header = new TpmHeader { Tag = TpmTag.VtpmReq, ParamSize = (uint)(TpmHeader.Size + parameters.Length), Code = (uint)ordinal };
            byte[] request = [.. WireFormat.ToBytes(header), .. parameters];
            Assert.Equal(request.Length, _socket.Send(request));
        }

        private byte[] ReceiveExactly(int length)
        {
            var bytes = new byte[length];
            for (int held = 0; held < length;)
            {
                int received = _socket.Receive(bytes.AsSpan(held));
                Assert.NotEqual(0, received);
                held += received;
            }

            return bytes;
        }
    }

    /// <summary>A disk in memory that remembers what was on it at its first barriers and, when told to, before each write.</summary>
    private sealed class CountingStore(byte[] bytes) : IBlockStore
    {
        private const int MostCopies = 4;

        public int Barriers { get; private set; }

        public bool IsCounting { get; set; }

        public int FailingBarriers { get; set; }

        public bool KeepsWrites { get; set; }

        public List<byte[]> AtBarriers { get; } = [];

        public List<byte[]> BeforeWrites { get; } = [];

        public long Length => bytes.Length;

        public void Restart()
        {
            (Barriers, IsCounting) = (0, true);
            AtBarriers.Clear();
            BeforeWrites.Clear();
        }

        public void Read(long offset, Span<byte> destination) => bytes.AsSpan((int)offset, destination.Length).CopyTo(destination);

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            if (KeepsWrites && IsCounting) BeforeWrites.Add([.. bytes]);
            source.CopyTo(bytes.AsSpan((int)offset));
        }

        public void Flush()
        {
            if (!IsCounting) return;
            Barriers++;
            if (FailingBarriers-- > 0) throw new IOException("the disk does not take it");
            if (AtBarriers.Count < MostCopies) AtBarriers.Add([.. bytes]);
        }

        public void Dispose()
        {
            // Memory has nothing behind it.
        }
    }
}
