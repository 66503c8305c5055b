using System.Diagnostics.CodeAnalysis;
using Vtpm.Client;
using Vtpm.Storage;
using Vtpm.Wire;

namespace Vtpm.Manager;

/// <summary>An identity key that the hardware TPM made for a group, in the sizes that the image keeps.</summary>
internal sealed record IdentityKey(ReadOnlyMemory<byte> Modulus, ReadOnlyMemory<byte> EncData, ReadOnlyMemory<byte> Binding)
{
    /// <summary>Has the hardware make one, with the group's secret; false for one that the image has no place for.</summary>
    public static bool TryMake(
        in ManagerContext manager, ManagerGroup group, TpmDigest labelDigest, string what, [NotNullWhen(true)] out IdentityKey? identity)
    {
        (TpmKey key, byte[] binding) = manager.Hardware.MakeIdentity(group, labelDigest);
        identity = new IdentityKey(key.PubKey.Key, key.EncData, binding);
        if (key.PubKey.Key.Length == Rsa2048.Size && key.EncData.Length == Rsa2048.Size && binding.Length == Rsa2048.Size) return true;
        manager.Log.Error(
            $"{what}: the hardware TPM made an identity key of {key.PubKey.Key.Length}, {key.EncData.Length} and {binding.Length} bytes; "
            + "the image has place for 256 each");
        return false;
    }
}
