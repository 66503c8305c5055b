using System.Text;
using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>The manager's disk goes away in a save and takes the withdrawal with it: which keys are on it is not known, and none is given out.</summary>
public sealed class DoubtTests : IDisposable
{
    private static readonly Guid First = new("11111111-2222-3333-4444-555555555555");
    private static readonly Guid Second = new("22222222-2222-3333-4444-555555555555");
    private readonly ManagerRig _rig;
    private readonly VtpmImage _vtpmImage = new(new MemoryBlockStore(new byte[64 * 1024]));
    private VanishingStore _store = null!;

    public DoubtTests() =>
        _rig = new(HardwareKind.Engine, with: options => options with { Image = _store = new VanishingStore(options.Image!) });

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void HashKeys_WhileTheDiskIsInDoubt_AreIOErrorsForEveryVtpm()
    {
        using VtpmManagerClient first = _rig.Vtpm(First);
        FallInDoubt(first);
        Assert.Equal(TpmResult.IOError, Refusal(() => first.LoadHashKey(new byte[64])));
        Assert.Equal(TpmResult.IOError, Refusal(() => first.SaveHashKey(new byte[52])));
        using VtpmManagerClient second = _rig.Vtpm(Second);
        Assert.Equal(TpmResult.IOError, Refusal(() => second.LoadHashKey(new byte[64])));
        Assert.Equal(TpmResult.IOError, Refusal(() => second.SaveHashKey(new byte[52])));
        Assert.Equal(1, _rig.Manager.VtpmCount);
        Assert.Contains(_rig.Log, line => line.Contains("LoadHashKey", StringComparison.Ordinal) && line.Contains("in doubt", StringComparison.Ordinal));
    }

    [Fact]
    public void Crash_InDoubt_LeavesAKeyThatMatchesTheVtpmsImage()
    {
        using (VtpmManagerClient vtpm = _rig.Vtpm(First))
        {
            FallInDoubt(vtpm);
            Assert.Equal(TpmResult.IOError, Refusal(() => vtpm.LoadHashKey(new byte[64])));   // so the vTPM, not knowing its slot, writes nothing
        }

        Crash();
        using VtpmManagerClient again = _rig.Vtpm(First);
        Assert.Equal("doubtful", Load(again));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Crash_AfterTheDoubtIsSettled_LeavesAKeyThatMatchesTheVtpmsImage(bool byASave)
    {
        using (VtpmManagerClient vtpm = _rig.Vtpm(First))
        {
            FallInDoubt(vtpm);
            _store.IsGone = false;
            using VtpmManagerClient second = _rig.Vtpm(Second);
            if (byASave) second.SaveHashKey(new byte[52]);
            Assert.Equal("acknowledged", Load(vtpm));
            Assert.Contains(_rig.Log, line => line.Contains("withdrawn", StringComparison.Ordinal));

            // The vTPM writes over the slot of the doubtful state; the machine goes down before the manager has its key.
            Assert.Equal(VtpmImageWrite.Written, _vtpmImage.Save("later"u8, new byte[52]).Write);
        }

        Crash();
        using VtpmManagerClient again = _rig.Vtpm(First);
        Assert.Equal("acknowledged", Load(again));
    }

    /// <summary>A vTPM with one state that was acknowledged, and one whose key the manager's disk may have or not.</summary>
    private void FallInDoubt(VtpmManagerClient vtpm)
    {
        byte[] hashKey = new byte[VtpmImage.HashKeySize];
        _vtpmImage.StartFresh();
        Assert.Equal(VtpmImageWrite.Written, _vtpmImage.Save("acknowledged"u8, hashKey).Write);
        vtpm.SaveHashKey(hashKey);
        _vtpmImage.Accept();

        Assert.Equal(VtpmImageWrite.Written, _vtpmImage.Save("doubtful"u8, hashKey).Write);
        _store.VanishesAtTheNextBarrier = true;
        Assert.Equal(TpmResult.IOError, Refusal(() => vtpm.SaveHashKey(hashKey)));
        Assert.True(_store.IsGone);
    }

    /// <summary>Another manager over the disk as it is.</summary>
    private void Crash()
    {
        byte[] disk = [.. _rig.Image];
        _rig.Restart(options => options with { Image = new MemoryBlockStore(disk) });
    }

    private string Load(VtpmManagerClient vtpm)
    {
        byte[] hashKey = new byte[64];
        VtpmImageLoad load = _vtpmImage.Load(hashKey.AsSpan(0, vtpm.LoadHashKey(hashKey)));
        Assert.True(load.Content == VtpmImageContent.Loaded, load.Reason);
        return Encoding.ASCII.GetString(load.State);
    }

    private static TpmResult Refusal(Action action) => Assert.Throws<VtpmManagerException>(action).Result;

    private sealed class VanishingStore(IBlockStore inner) : IBlockStore
    {
        public bool VanishesAtTheNextBarrier { get; set; }

        public bool IsGone { get; set; }

        public long Length => inner.Length;

        public void Read(long offset, Span<byte> destination) => inner.Read(offset, destination);

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            if (IsGone) throw new IOException("the disk is gone");
            inner.Write(offset, source);
        }

        public void Flush()
        {
            if (VanishesAtTheNextBarrier) (VanishesAtTheNextBarrier, IsGone) = (false, true);
            if (IsGone) throw new IOException("the disk is gone");
            inner.Flush();
        }

        public void Dispose() => inner.Dispose();
    }
}
