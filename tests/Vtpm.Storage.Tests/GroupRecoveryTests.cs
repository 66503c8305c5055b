using Xunit;

namespace Vtpm.Storage.Tests;

/// <summary>A group that no seal opens, opened by keys that were kept elsewhere.</summary>
public sealed class GroupRecoveryTests : IDisposable
{
    private const int Size = 64 * 4096;
    private static readonly byte[] KeyData = [1, 2, 3];
    private readonly RecordingStore _store = new(new byte[Size]);
    private readonly Guid _uuid = Guid.NewGuid();
    private readonly byte[] _groupKey;
    private readonly byte[] _macKey;

    /// <summary>Group 0 opens on platforms 1 and 2, group 1 on 2 alone.</summary>
    public GroupRecoveryTests()
    {
        using ManagerImage image = ManagerImage.Create(_store, new SoftSealer());
        image.Groups[0].SetConfiguration(1, [SoftSealer.Platform(1), SoftSealer.Platform(2)], []);
        ManagerGroup group = image.AddGroup();
        group.SetIdentity(GoldenManagerImage.Pattern(1, 256), GoldenManagerImage.Pattern(2, 256), GoldenManagerImage.Pattern(3, 256), new byte[256]);
        group.SetConfiguration(3, [SoftSealer.Platform(2)], []);
        for (int i = 0; i < 100; i++) group.AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
        group.AddVtpm(_uuid, ManagerVtpmFlags.None)!.SetKeyData(KeyData);
        Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        (_groupKey, _macKey) = (group.GroupKey.ToArray(), group.RollbackMacKey.ToArray());
    }

    public void Dispose() => _store.Dispose();

    [Fact]
    public void TryOpen_WithItsKeys_GivesTheVtpmsTheirKeyDataAndWritesNothing()
    {
        using ManagerImage image = Open(1);
        int writes = _store.Operations.Count;
        ManagerGroup group = image.Groups[1];
        Assert.True(group.TryOpen(_groupKey, _macKey));
        Assert.True(group.IsOpen && group.IsRecovered);
        Assert.Equal(KeyData, image.FindVtpm(_uuid)!.KeyData[..3].ToArray());
        Assert.Equal(101, group.Vtpms.Count(vtpm => vtpm.KeyData.Length == 64));
        Assert.False(group.RollbackDetected);
        Assert.DoesNotContain(group.AikPublic.ToArray(), b => b != 0);
        image.Rollback();   // It is no change that could be taken back.
        Assert.True(group.IsOpen);
        Assert.Equal(writes, _store.Operations.Count);
        Assert.Throws<InvalidOperationException>(() => group.TryOpen(_groupKey, _macKey));
    }

    [Fact]
    public void TryOpen_WithAnyOtherGroupKey_LeavesItClosed()
    {
        using ManagerImage image = Open(1);
        ManagerGroup group = image.Groups[1];
        for (int bit = 0; bit < 128; bit++)
        {
            byte[] wrong = [.. _groupKey];
            wrong[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(group.TryOpen(wrong, _macKey));
        }

        Assert.False(group.TryOpen(_groupKey.AsSpan(0, 15), _macKey));
        Assert.False(group.IsOpen);
        Assert.Throws<InvalidOperationException>(() => image.FindVtpm(_uuid)!.KeyData.ToArray());
    }

    [Fact]
    public void TryOpen_WithAnotherRollbackKeyOrAfterSavesWhileClosed_IsMarked()
    {
        using (ManagerImage image = Open(1))
        {
            Assert.True(image.Groups[1].TryOpen(_groupKey, new byte[16]));
            Assert.True(image.Groups[1].RollbackDetected);
        }

        using (ManagerImage image = Open(1))
        {
            image.Groups[0].AddVtpm(Guid.NewGuid(), ManagerVtpmFlags.None);
            Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        }

        using ManagerImage later = Open(1);
        Assert.True(later.Groups[1].TryOpen(_groupKey, _macKey));
        Assert.True(later.Groups[1].RollbackDetected);
    }

    /// <summary>Nothing that the platforms of before would need has gone, the identity key's secret among it.</summary>
    [Fact]
    public void Recovered_KeyDataSaved_IsThereOnThePlatformOfBeforeWithTheIdentity()
    {
        using (ManagerImage image = Open(1))
        {
            Assert.True(image.Groups[1].TryOpen(_groupKey, _macKey));
            image.FindVtpm(_uuid)!.SetKeyData([9]);
            Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        }

        using (ManagerImage closed = Open(1)) Assert.False(closed.Groups[1].IsOpen);
        using ManagerImage before = Open(2);
        Assert.True(before.Groups[1].IsOpen);
        Assert.Equal(9, before.FindVtpm(_uuid)!.KeyData[0]);
        Assert.Equal(GoldenManagerImage.Pattern(2, 256), before.Groups[1].AikPublic.ToArray());
        Assert.False(before.Groups[1].RollbackDetected);
    }

    [Fact]
    public void Recovered_AndConfigured_OpensOnThePresentPlatformWithoutTheIdentity()
    {
        using (ManagerImage image = Open(1))
        {
            ManagerGroup group = image.Groups[1];
            Assert.True(group.TryOpen(_groupKey, _macKey));
            group.SetConfiguration(4, [SoftSealer.Platform(1)], []);
            Assert.False(group.IsRecovered);
            image.Rollback();
            Assert.True(group.IsRecovered);
            Assert.Equal(3ul, group.ConfigurationSequence);
            group.SetConfiguration(4, [SoftSealer.Platform(1)], []);
            Assert.Equal(ManagerWrite.Saved, image.Save().Write);
            Assert.Equal(GoldenManagerImage.Pattern(1, 256), group.SaaModulus.ToArray());
        }

        using ManagerImage now = Open(1);
        Assert.True(now.Groups[1].IsOpen);
        Assert.Equal(KeyData, now.FindVtpm(_uuid)!.KeyData[..3].ToArray());
        Assert.DoesNotContain(now.Groups[1].AikPublic.ToArray(), b => b != 0);
        using ManagerImage before = Open(2);
        Assert.False(before.Groups[1].IsOpen);
    }

    [Fact]
    public void RenewAikAuth_AndAnIdentity_AreSealedTogether()
    {
        byte[] auth;
        using (ManagerImage image = Open(2))
        {
            ManagerGroup group = image.Groups[1];
            byte[] old = group.AikAuth.ToArray();
            group.RenewAikAuth();
            Assert.NotEqual(old, group.AikAuth.ToArray());
            Assert.DoesNotContain(group.AikPublic.ToArray(), b => b != 0);
            image.Rollback();
            Assert.Equal(old, group.AikAuth.ToArray());
            Assert.Equal(GoldenManagerImage.Pattern(2, 256), group.AikPublic.ToArray());

            group.RenewAikAuth();
            auth = group.AikAuth.ToArray();
            group.SetIdentity(group.SaaModulus.Span, GoldenManagerImage.Pattern(7, 256), GoldenManagerImage.Pattern(8, 256), new byte[256]);
            Assert.Equal(ManagerWrite.Saved, image.Save().Write);
        }

        using ManagerImage again = Open(2);
        Assert.Equal(auth, again.Groups[1].AikAuth.ToArray());
        Assert.Equal(GoldenManagerImage.Pattern(7, 256), again.Groups[1].AikPublic.ToArray());
    }

    private ManagerImage Open(byte platform)
    {
        ManagerOpen open = ManagerImage.Open(_store, new SoftSealer(platform));
        Assert.True(open.Content == ManagerImageContent.Opened, $"{open.Content}: {open.Reason}");
        return open.Image!;
    }
}
