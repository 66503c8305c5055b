using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.SessionManagement;

public struct KeyControlOwnerRequest : IWireStructure<KeyControlOwnerRequest>
{
    public uint KeyHandle;
    public TpmPubKey PubKey;
    public TpmKeyControl BitName;
    public bool BitValue;

    public static void Describe<TCodec>(ref TCodec wire, ref KeyControlOwnerRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.KeyHandle);
        wire.Structure(ref value.PubKey);
        wire.Enum(ref value.BitName);
        wire.Bool(ref value.BitValue);
    }
}

/// <summary><c>TPM_KeyControlOwner</c>, Part 3 §21.1: the owner pins a loaded key, so that it stays through power cycles, or lets it go again.</summary>
public sealed class KeyControlOwner()
    : TpmCommand<KeyControlOwnerRequest, NoParameters>(TpmOrdinal.KeyControlOwner, Sessions.One, Availability.Owned, Duration.Short, inHandles: 1)
{
    /// <summary>Slots that must stay for keys that are not pinned, or nobody but the owner could use a key and its parent (action 5a i).</summary>
    private const int FreeSlots = 2;

    protected override TpmResult Execute(CommandContext tpm, in KeyControlOwnerRequest request, ref NoParameters response)
    {
        if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
        if (!tpm.State.Keys.TryFind(request.KeyHandle, out LoadedKey? key)) return InvalidKeyHandle;
        // The handle is in no HMAC: only the public key says which one the owner means.
        if (!IsPublicHalf(request.PubKey, key)) return BadParameter;
        if (request.BitName != TpmKeyControl.OwnerEvict) return BadMode;
        if (request.BitValue == key.OwnerEvict) return Success;
        if (request.BitValue && CheckEvictable(tpm, key).Failed(out error)) return error;
        key = key with { OwnerEvict = request.BitValue };
        HandleTable<LoadedKey> pinned = tpm.Permanent.OwnerEvictKeys;
        tpm.State = tpm.State with { Keys = tpm.State.Keys.Replace(key) };
        tpm.Permanent = tpm.Permanent with { OwnerEvictKeys = key.OwnerEvict ? pinned.Add(key) : pinned.Remove(key.Handle) };
        return Success;
    }

    private static bool IsPublicHalf(in TpmPubKey pubKey, LoadedKey key) =>
        pubKey.AlgorithmParms.AlgorithmId == key.Key.AlgorithmParms.AlgorithmId
        && KeyParameters.ExponentOf(pubKey.AlgorithmParms) == key.Exponent
        && pubKey.PubKey.Key.Span.SequenceEqual(key.Key.PubKey.Key.Span);

    private static TpmResult CheckEvictable(CommandContext tpm, LoadedKey key)
    {
        if (tpm.Platform.Profile.KeySlots - tpm.Permanent.OwnerEvictKeys.Count - 1 < FreeSlots) return NoSpace;
        return key.ParentPcrStatus || key.Key.KeyFlags.HasFlag(TpmKeyFlags.IsVolatile) ? BadParameter : Success;
    }
}
