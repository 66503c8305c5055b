using System.Security.Cryptography;
using System.Text;

namespace Vtpm.Storage.Tests;

/// <summary>Everything that a manager's image says, as text to compare.</summary>
internal static class Snapshot
{
    public static string Of(ManagerImage image)
    {
        var text = new StringBuilder();
        text.AppendLine($"manager {image.Uuid} counter {image.CounterIndex}/{image.CounterValue} {Convert.ToHexString(image.CounterAuth.ReadOnlySpan)}");
        text.AppendLine($"nvram {image.NvramSlot} {Convert.ToHexString(image.NvramAuth.ReadOnlySpan)}");
        foreach (ManagerGroup group in image.Groups)
        {
            text.AppendLine($"group {group.Index} {group.Uuid} open {group.IsOpen} rollback {group.RollbackDetected}");
            text.AppendLine($"configuration {group.ConfigurationSequence}");
            foreach (ReadOnlyMemory<byte> part in new[] { group.SaaModulus, group.AikPublic, group.AikEncData, group.RecoveryData })
                text.AppendLine(Convert.ToHexString(part.Span));
            foreach (SealEntry platform in group.Platforms) text.AppendLine($"  platform {platform.PcrMask:X8} {platform.DigestRelease}");
            foreach (Wire.TpmDigest kernel in group.Kernels) text.AppendLine($"  kernel {kernel}");
            if (group.IsOpen) text.AppendLine(Convert.ToHexString([.. group.AikAuth, .. group.GroupKey, .. group.RollbackMacKey]));
            foreach (ManagerVtpm vtpm in group.Vtpms)
                text.AppendLine($"  vtpm {vtpm.Uuid} {vtpm.Flags} {(group.IsOpen ? Convert.ToHexString(vtpm.KeyData) : "closed")}");
        }

        return text.ToString();
    }

    /// <summary>The same in 32 bytes, for images with very many vTPMs.</summary>
    public static string HashOf(ManagerImage image)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> uuid = stackalloc byte[16];
        foreach (ManagerGroup group in image.Groups)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{group.Uuid} {group.ConfigurationSequence} {group.Platforms.Count} {group.Kernels.Count}"));
            foreach (ManagerVtpm vtpm in group.Vtpms)
            {
                vtpm.Uuid.TryWriteBytes(uuid);
                hash.AppendData(uuid);
                if (group.IsOpen) hash.AppendData(vtpm.KeyData);
            }
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
