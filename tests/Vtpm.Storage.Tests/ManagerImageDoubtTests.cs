using Xunit;

namespace Vtpm.Storage.Tests;

/// <summary>A save whose withdrawal fails too: the next start may find either state, until the medium works again.</summary>
public sealed class ManagerImageDoubtTests : IDisposable
{
    private const int Size = 64 * 4096;

    private readonly RecordingStore _store = new(new byte[Size]);
    private readonly ManagerImage _image;
    private readonly string _old;
    private readonly byte[] _oldDisk;

    public ManagerImageDoubtTests()
    {
        _image = ManagerImage.Create(_store, new SoftSealer());
        _image.Groups[0].SetConfiguration(1, [SoftSealer.Platform(1)], []);
        _image.Groups[0].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
        for (int i = 0; i < 2; i++) Assert.Equal(ManagerWrite.Saved, _image.Save().Write);   // the second one completes the other root's seal list
        _old = Snapshot.Of(_image);
        _oldDisk = [.. _store.Bytes];
    }

    public void Dispose() => _image.Dispose();

    [Fact]
    public void Save_MediumDiesAtTheLastBarrier_IsInDoubt()
    {
        string doubtful = FallInDoubt();
        Assert.Equal(_old, Snapshot.Of(_image));
        Assert.Equal(doubtful, Found(_store.Bytes));
    }

    [Fact]
    public void TrySettle_WhileTheMediumFails_SaysWhyAndTheDoubtRemains()
    {
        FallInDoubt();
        Assert.False(_image.TrySettle(out string reason));
        Assert.NotEmpty(reason);
        Assert.True(_image.IsInDoubt);
    }

    [Fact]
    public void TrySettle_WithoutADoubt_TouchesNothing()
    {
        _store.Restart();
        Assert.True(_image.TrySettle(out _));
        Assert.Empty(_store.Operations);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TrySettle_MediumRecovers_LeavesTheOldStateAlone(bool reached)
    {
        string doubtful = FallInDoubt();
        byte[] before = DiskInDoubt(reached);
        _store.Restart();
        Assert.True(_image.TrySettle(out _));
        Assert.False(_image.IsInDoubt);
        foreach ((byte[] disk, bool acknowledged, string name) in CrashMatrix.Disks(before, _store.Operations))
        {
            string found = Found(disk);
            Assert.True(found == _old || (!acknowledged && reached && found == doubtful), name);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Save_MediumRecovers_WithdrawsBeforeItWritesAnythingElse(bool reached)
    {
        string doubtful = FallInDoubt();
        byte[] before = DiskInDoubt(reached);
        _store.Restart();
        _image.Groups[0].VtpmAt(0).SetKeyData([2]);
        string changed = Snapshot.Of(_image);
        Assert.Equal(ManagerWrite.Saved, _image.Save().Write);
        Assert.False(_image.IsInDoubt);

        int withdrawn = _store.Operations.FindIndex(operation => operation.IsFlush) + 1;
        Assert.Equal(2, withdrawn);   // one sector and the barrier
        foreach ((byte[] disk, bool acknowledged, string name) in CrashMatrix.Disks(before, _store.Operations))
        {
            string found = Found(disk);
            bool isEarly = name.StartsWith("after operation 0,", StringComparison.Ordinal) || name.StartsWith("after operation 1,", StringComparison.Ordinal);
            Assert.True(found == changed || (!acknowledged && found == _old) || (isEarly && reached && found == doubtful), name);
        }
    }

    [Fact]
    public void Save_FailsAnywhereInDoubt_IsInDoubtExactlyUntilItIsWithdrawn()
    {
        foreach (FaultMoment moment in Enum.GetValues<FaultMoment>())
        {
            foreach (bool dies in new[] { false, true })
            {
                for (int operation = 0, finished = 0; finished == 0; operation++)
                {
                    if (!_image.IsInDoubt) FallInDoubt();
                    _store.Restart();
                    (_store.FailAt, _store.Moment, _store.DiesThen) = (operation, moment, dies);
                    string old = Snapshot.Of(_image);
                    _image.Groups[0].VtpmAt(0).SetKeyData([3, (byte)operation, (byte)moment]);
                    ManagerSave save = _image.Save();
                    Assert.Equal(save.InDoubt, _image.IsInDoubt);
                    if (save.Write == ManagerWrite.Saved)
                    {
                        Assert.False(_image.IsInDoubt);
                        Assert.True(operation > 4, "a withdrawal and a save have more operations than that");
                        finished = operation;
                        continue;
                    }

                    Assert.Equal(ManagerWrite.Failed, save.Write);
                    Assert.True(_image.IsInDoubt || operation > 1, "nothing was withdrawn");
                    Assert.Equal(old, Snapshot.Of(_image));
                    if (!_image.IsInDoubt) Assert.Equal(old, Found(_store.Bytes));
                    _store.Restart();
                    Assert.True(_image.TrySettle(out _));
                    Assert.Equal(old, Found(_store.Bytes));
                }
            }
        }
    }

    [Fact]
    public void Save_RefusedInDoubt_HasWithdrawnAllTheSame()
    {
        FallInDoubt();
        _store.Restart();
        for (int i = 0; i < 64 * 48; i++) _image.Groups[0].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
        ManagerSave save = _image.Save();
        Assert.Equal((ManagerWrite.Full, false), (save.Write, save.InDoubt));
        Assert.False(_image.IsInDoubt);
        Assert.Equal(_old, Found(_store.Bytes));
    }

    [Fact]
    public void FirstSave_InDoubt_IsNotForgottenByAnImageThatKeepsNothing()
    {
        var store = new RecordingStore(new byte[Size]);
        using ManagerImage image = ManagerImage.Create(store, new SoftSealer());
        image.Groups[0].SetConfiguration(1, [SoftSealer.Platform(1)], []);
        (store.FailAt, store.DiesThen) = (9, true);   // four sectors wiped, barrier, seal list, barrier, group, root, barrier
        ManagerSave save = image.Save();
        Assert.Equal((ManagerWrite.Failed, true), (save.Write, save.InDoubt));
        Assert.False(image.IsPersistent);

        image.Groups[0].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
        save = image.Save();
        Assert.Equal((ManagerWrite.Failed, true), (save.Write, save.InDoubt));
        Assert.Equal(0, image.Groups[0].VtpmCount);
        store.Restart();
        Assert.Equal(ManagerWrite.NotSealed, image.Save().Write);
        Assert.Equal(ManagerImageContent.NeverSaved, ManagerImage.Open(new MemoryBlockStore(store.Bytes), new SoftSealer()).Content);
    }

    /// <summary>Saves a change on a medium that goes away at the last barrier; gives the state that may be found then.</summary>
    private string FallInDoubt()
    {
        _store.Restart();
        string old = Snapshot.Of(_image);
        _image.Groups[0].VtpmAt(0).SetKeyData([1]);
        string doubtful = Snapshot.Of(_image);
        (_store.FailAt, _store.Moment, _store.DiesThen) = (3, FaultMoment.Before, true);   // vTPM sector, group sector, root sector, barrier
        ManagerSave save = _image.Save();
        Assert.Equal((ManagerWrite.Failed, true), (save.Write, save.InDoubt));
        Assert.True(_image.IsInDoubt);
        Assert.Equal(old, Snapshot.Of(_image));
        return doubtful;
    }

    /// <summary>The disk in doubt: what was written reached it, or was lost on the way.</summary>
    private byte[] DiskInDoubt(bool reached) => reached ? [.. _store.Bytes] : _oldDisk;

    private static string Found(byte[] disk)
    {
        ManagerOpen open = ManagerImage.Open(new MemoryBlockStore(disk), new SoftSealer());
        Assert.True(open.Content == ManagerImageContent.Opened, $"{open.Content}: {open.Reason}");
        using ManagerImage image = open.Image!;
        return Snapshot.Of(image);
    }
}
