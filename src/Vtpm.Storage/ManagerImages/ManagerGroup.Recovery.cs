using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Storage;

/// <content>Opening a closed group by its keys, and its identity key, whose secret is not among them.</content>
public sealed partial class ManagerGroup
{
    private static readonly byte[] NoRsaBytes = new byte[GroupSector.RsaSize];

    private bool _lacksAikSecret;
    private (byte[] Area, byte[]? Mac)? _rollbackProof;

    /// <summary>
    /// The group was opened by <see cref="TryOpen"/>, or with the image by <see cref="ManagerImage.Recover"/>. It is sealed to platforms of which the
    /// present one is none, until <see cref="SetConfiguration"/> is saved.
    /// </summary>
    public bool IsRecovered { get; private set; }

    /// <summary>
    /// Opens a closed group in memory by keys that somebody has kept. Nothing is written: what is sealed stays as it is, for the platforms it is for,
    /// until something is changed that has to be sealed anew. Then the identity key goes, since its secret is in the old seals alone.
    /// </summary>
    /// <returns>False when they are not the group's keys.</returns>
    /// <exception cref="InvalidOperationException">The group is open.</exception>
    public bool TryOpen(ReadOnlySpan<byte> groupKey, ReadOnlySpan<byte> rollbackMacKey)
    {
        if (IsOpen) throw new InvalidOperationException("the group is open");
        if (groupKey.Length != AesCmac.Size || rollbackMacKey.Length != AesCmac.Size) return false;
        var keys = new GroupKeys(KeyBytes.Random(TpmAuthData.Size), new KeyBytes(groupKey), new KeyBytes(rollbackMacKey));
        Aes aes = keys.GroupKey.Cipher;
        if (!AesCmac.Verify(aes, WireFormat.ToBytes(_content).AsSpan(0, GroupSector.MacArea), _content.Mac))
        {
            keys.Dispose();
            return false;
        }

        foreach (VtpmPage page in Pages) OpenPage(page, aes);
        Keys = keys;
        (IsRecovered, _lacksAikSecret) = (true, true);
        // The one that the image goes by, should two have a name.
        foreach (ManagerVtpm vtpm in Vtpms) _image.Register(vtpm);
        CheckRollbackProof(keys.RollbackMacKey);
        return true;
    }

    /// <summary>A new secret for an identity key that is to come; the group has none until <see cref="SetIdentity"/>.</summary>
    /// <exception cref="InvalidOperationException">The group is closed.</exception>
    public void RenewAikAuth()
    {
        GroupKeys old = RequireKeys();
        var replacement = new GroupKeys(KeyBytes.Random(TpmAuthData.Size), new KeyBytes(old.GroupKey.Span), new KeyBytes(old.RollbackMacKey.Span));
        Keys = replacement;
        Changes.Record(
            () =>
            {
                Keys = old;
                replacement.Dispose();
            },
            old.Dispose);
        DropIdentity();
        ForgetSeals();
    }

    /// <summary>The reader's: what will tell, should the group be opened, whether it belongs to the root it was found under.</summary>
    internal void SetRollbackProof(byte[] area, byte[]? mac) => _rollbackProof = (area, mac);

    /// <summary>
    /// The reader's, of group 0 when its keys were given: what is sealed is for platforms that the machine is not on, and perhaps by another hardware
    /// TPM. The next save seals all of it.
    /// </summary>
    internal void SetRecovered()
    {
        IsRecovered = true;
        ForgetSeals();
        Changes.Commit();   // what is in memory now is what failed saves go back to
    }

    private static void OpenPage(VtpmPage page, Aes aes)
    {
        VtpmSector sector = SectorDisk.Parse<VtpmSector>(page.Closed);
        HostOrderCtr.Transform(aes, sector.Counter, sector.KeyData);
        for (int i = 0; i < page.Vtpms.Count; i++)
            page.Vtpms[i].Open(new KeyBytes(sector.KeyData.AsSpan(i * VtpmSector.KeyDataSize, VtpmSector.KeyDataSize)));
        CryptographicOperations.ZeroMemory(sector.KeyData);
        page.Closed = null;
    }

    private void CheckRollbackProof(KeyBytes rollbackMacKey)
    {
        if (RollbackDetected) return;
        if (_rollbackProof is not ({ } area, { } mac) || !AesCmac.Verify(rollbackMacKey.Cipher, area, mac)) MarkRollback();
        _rollbackProof = null;
    }

    private void DropIdentity()
    {
        bool old = _lacksAikSecret;
        _lacksAikSecret = false;
        Changes.Record(() => _lacksAikSecret = old);
        Change(_content with { AikPublic = new byte[GroupSector.RsaSize], AikEncData = new byte[GroupSector.RsaSize] });
    }

    private void EndRecovery()
    {
        bool old = IsRecovered;
        IsRecovered = false;
        Changes.Record(() => IsRecovered = old);
    }
}
