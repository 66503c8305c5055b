using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using Vtpm.Engine;
using Vtpm.Storage;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Instance.Tests;

/// <summary>A vTPM's process that dies under its guest, and the one that takes its place with the record of the boot. The manager's side is scripted.</summary>
public sealed class ResumeTests : IDisposable
{
    private static readonly byte[] Guest = new byte[BootRecord.GuestSize];

    private readonly string _folder = Directory.CreateTempSubdirectory("vtpm-test").FullName;
    private readonly ScriptedManager _manager = new();
    private readonly List<string> _log = [];

    private string Image => Path.Combine(_folder, "image");

    private string Record => Path.Combine(_folder, "record");

    public ResumeTests() => NewBoot();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void EveryPcr_IsAsItWas_TheResettableOnesToo()
    {
        TpmDigest[] before;
        using (VirtualTpm vtpm = Start())
        {
            foreach (int pcr in (int[])[0, 4, 10, 16, 23]) Extend(vtpm, pcr);
            Extend(vtpm, 20, locality: 2);
            before = Pcrs(vtpm);
        }

        using VirtualTpm again = Start();

        Assert.Equal(before, Pcrs(again));
        Assert.Equal(BootOrigin.Whole, again.BootOrigin);
        Extend(again, 4);
        Assert.NotEqual(before[4], Pcrs(again)[4]);
    }

    [Fact]
    public void CommandThatChangesNothingOfTheBoot_LeavesTheRecord()
    {
        using VirtualTpm vtpm = Start();
        Extend(vtpm, 4);
        byte[] before = File.ReadAllBytes(Record);
        Assert.Equal(TpmResult.Success, Execute(vtpm, Convert.FromHexString("00c10000000e0000001500000004")));

        Assert.Equal(before, File.ReadAllBytes(Record));
    }

    [Fact]
    public void WithoutARecord_TheyAreThoseOfAStart()
    {
        using (VirtualTpm vtpm = Start()) Extend(vtpm, 4);
        NewBoot();

        using VirtualTpm again = Start();

        Assert.Equal(default, Pcrs(again)[4]);
    }

    /// <summary>Whenever the process dies: what was answered is on the record.</summary>
    [Fact]
    public void EachAnsweredExtend_IsOnTheRecordBeforeTheNext()
    {
        using VirtualTpm vtpm = Start();
        for (int i = 0; i < 5; i++)
        {
            Extend(vtpm, 4);
            Assert.Equal(Pcrs(vtpm)[4], OnRecord().Pcrs[4]);
        }
    }

    [Fact]
    public void RecordThatCannotBeWritten_RefusesTheExtend()
    {
        var disk = new FailingStore(BootRecord.Length);
        BootRecord record = BootRecord.Create(disk, Guest, BootOrigin.Whole);
        var platform = new TpmPlatform(new SeededRandom(), new ManualTime(), new FixedRsa(), new Crypto.OpenSslArithmetic(), TpmProfile.Xen);
        Tpm12Engine engine = Tpm12Engine.Manufacture(platform, withEndorsementKey: false, Assert.Fail);
        engine.RecordsBoot = true;
        var host = new TpmHost(engine, new NoStore(), _log.Add, record);
        host.StartUp(TpmStartupType.Clear);
        PcrBank before = engine.State.Pcrs;
        disk.Fails = true;
        byte[] response = new byte[Tpm12.MaxResponseSize];

        host.Execute(ExtendOf(4), locality: 0, response);

        Assert.Equal(TpmResult.Fail, TestTpm.ResultOf(response));
        Assert.Same(before, engine.State.Pcrs);
        Assert.Contains(_log, line => line.Contains("record of the guest's boot", StringComparison.Ordinal));
    }

    /// <summary>TPM_Startup would have thrown it away, and a sleeping guest with it.</summary>
    [Fact]
    public void StateThatTheGuestHasSaved_IsStillThere()
    {
        using (VirtualTpm vtpm = Start()) Assert.Equal(TpmResult.Success, Execute(vtpm, Convert.FromHexString("00c10000000a00000098")));
        using (VirtualTpm again = Start()) Assert.NotNull(again.Engine.State.Permanent.SavedState);
    }

    [Fact]
    public void LocksAndFlagsUntilTheNextStart_StayLocked()
    {
        using (VirtualTpm vtpm = Start())
        {
            // TPM_SetTempDeactivated by physical presence, which TSC_PhysicalPresence has asserted.
            Assert.Equal(TpmResult.Success, Execute(vtpm, Convert.FromHexString("00c10000000c4000000a0020")));
            Assert.Equal(TpmResult.Success, Execute(vtpm, Convert.FromHexString("00c10000000c4000000a0008")));
            Assert.Equal(TpmResult.Success, Execute(vtpm, Convert.FromHexString("00c10000000a00000073")));
        }

        using VirtualTpm again = Start();

        Assert.True(again.Engine.State.StClearFlags.Deactivated);
        Assert.True(again.Engine.State.StClearFlags.PhysicalPresence);
    }

    [Fact]
    public void DamagedRecord_OpensNothingAndSaysSo()
    {
        using (VirtualTpm vtpm = Start())
        {
            Extend(vtpm, 4);
            Extend(vtpm, 4);
        }

        byte[] record = File.ReadAllBytes(Record);
        foreach (int at in (int[])[560, 4096 + 560]) record[at] ^= 1;
        File.WriteAllBytes(Record, record);

        TpmDigest[] after;
        using (VirtualTpm again = Start())
        {
            after = Pcrs(again);
            Assert.Equal(BootOrigin.Lost, again.BootOrigin);
            Assert.All(after[..16], pcr => Assert.Equal(default(TpmDigest).Extend(System.Security.Cryptography.SHA1.HashData("no record of this boot"u8)), pcr));
            Assert.Equal(PcrBank.Initial[17], after[17]);
            Assert.Contains(_log, line => line.Contains("NO RECORD OF THE GUEST'S BOOT", StringComparison.Ordinal));
            Extend(again, 4);
            after = Pcrs(again);
        }

        // And the one after that goes on from there.
        using VirtualTpm third = Start();
        Assert.Equal(after, Pcrs(third));
        Assert.Equal(BootOrigin.Lost, third.BootOrigin);
    }

    [Fact]
    public void SomethingElseAsRecord_IsRefused()
    {
        File.WriteAllBytes(Record, new byte[BootRecord.Length]);
        Assert.Throws<VtpmStartException>(() => Start());
    }

    [Fact]
    public void ImageThatWasMadeForThisStart_CountsAsNoneWhenTheManagerKnowsOfOne()
    {
        Start().Dispose();
        byte[] kept = _manager.HashKey!;
        File.Delete(Image);

        Assert.Contains("does not exist", Assert.Throws<VtpmStartException>(() => Start(isImageNew: true)).Message, StringComparison.Ordinal);

        Assert.Equal(kept, _manager.HashKey);
    }

    [Fact]
    public void ImageThatWasMadeForThisStart_IsFilledAndKept()
    {
        using (VirtualTpm vtpm = Start(isImageNew: true)) Assert.Equal(VtpmImage.DefaultLength, new FileInfo(Image).Length);
        // As after a crash before the image got its name.
        _log.Clear();
        Start(isImageNew: true).Dispose();
        Assert.DoesNotContain(_log, line => line.Contains("MANUFACTURING", StringComparison.Ordinal));
    }

    [Fact]
    public void Reset_IsAStartOfThePlatform()
    {
        using VirtualTpm vtpm = Start();
        Extend(vtpm, 4);
        Extend(vtpm, 16);

        vtpm.Reset();

        Assert.Equal(PcrBank.Initial[4], Pcrs(vtpm)[4]);
        Assert.Equal(PcrBank.Initial[16], Pcrs(vtpm)[16]);
        Extend(vtpm, 4);
    }

    [Fact]
    public void Reset_OfAPlatformWhoseBootNobodyKnows_OpensNothingThatDependsOnIt()
    {
        using VirtualTpm vtpm = Start();
        Extend(vtpm, 4);

        vtpm.Reset(isLost: true);

        TpmDigest[] pcrs = Pcrs(vtpm);
        for (int pcr = 0; pcr < 16; pcr++) Assert.NotEqual(PcrBank.Initial[pcr], pcrs[pcr]);
        Extend(vtpm, 4);
        vtpm.Reset();
        Assert.Equal(PcrBank.Initial[4], Pcrs(vtpm)[4]);
    }

    private void NewBoot()
    {
        byte[] bytes = new byte[BootRecord.Length];
        BootRecord.Create(new MemoryBlockStore(bytes), Guest, BootOrigin.Whole);
        File.WriteAllBytes(Record, bytes);
    }

    private TpmState OnRecord()
    {
        BootRecord record = BootRecord.Open(new MemoryBlockStore(File.ReadAllBytes(Record)))!;
        return BootFormat.Restore(new TestTpm().State, record.Content!);
    }

    private VirtualTpm Start(bool isImageNew = false)
    {
        isImageNew |= !File.Exists(Image);
        var options = new VtpmOptions(Image, ManufacturePolicy.WhenBlank, WithEndorsementKey: false)
        {
            Image = Open(Image),
            IsImageNew = isImageNew,
            BootRecord = Open(Record),
        };
        return VirtualTpm.Start(options, VtpmArguments.Parse([]), _manager.Link, new SeededRandom(), new FixedRsa(), _log.Add);
    }

    // As whoever starts the process does.
    private static SafeFileHandle Open(string path) => File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);

    private static TpmDigest[] Pcrs(VirtualTpm vtpm) => [.. Enumerable.Range(0, PcrBank.Count).Select(pcr => vtpm.Engine.State.Pcrs[pcr])];

    private static byte[] ExtendOf(int pcr)
    {
        byte[] request = Convert.FromHexString("00c10000002200000014" + "00000000" + new string('a', 40));
        BinaryPrimitives.WriteInt32BigEndian(request.AsSpan(10), pcr);
        return request;
    }

    private static void Extend(VirtualTpm vtpm, int pcr, int locality = 0) => Assert.Equal(TpmResult.Success, Execute(vtpm, ExtendOf(pcr), locality));

    private static TpmResult Execute(VirtualTpm vtpm, byte[] request, int locality = 0)
    {
        byte[] response = new byte[Tpm12.MaxResponseSize];
        vtpm.Execute(request, locality, response);
        return TestTpm.ResultOf(response);
    }

    private sealed class NoStore : IStateStore
    {
        public void Save(ReadOnlySpan<byte> state)
        {
        }
    }

    private sealed class FailingStore(int length) : IBlockStore
    {
        private readonly MemoryBlockStore _store = new(length);

        public bool Fails { get; set; }

        public long Length => length;

        public void Read(long offset, Span<byte> destination) => _store.Read(offset, destination);

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            if (Fails) throw new IOException("the medium failed");
            _store.Write(offset, source);
        }

        public void Flush() => _store.Flush();

        public void Dispose() => _store.Dispose();
    }
}
