using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Storage;

/// <summary><c>TPM_Sealx</c>, Part 3 §10.7: TPM_Seal with the data encrypted on its way in, and again on its way out.</summary>
public sealed class Sealx()
    : TpmCommand<SealRequest, SealResponse>(TpmOrdinal.Sealx, Sessions.One, Availability.Owned, Duration.Medium, inHandles: 1)
{
    protected override TpmResult Execute(CommandContext tpm, in SealRequest request, ref SealResponse response)
    {
        if (tpm.UseKey(request.KeyHandle, out LoadedKey key).Failed(out TpmResult error)) return error;
        if (request.InData.IsEmpty) return BadParameter;
        if (Seal.CheckStorageKey(key).Failed(out error)) return error;
        if (PcrBinding.Read(request.PcrInfo, isLong: true, out _) != Success) return BadIndex;
        AuthBlock session = tpm.Auths[0];
        TpmAdipEncScheme scheme = session.Session.AdipScheme;
        // Action 11: XOR is number 0, and 0 says that nothing is encrypted.
        ushort et = scheme == TpmAdipEncScheme.Xor ? (ushort)TpmEntityType.Key : (ushort)((int)scheme << 8);
        var sealedData = new TpmStoredData { Ver = TpmStoredData.Tag12(et) };
        if (!request.PcrInfo.IsEmpty) sealedData.SealInfo = tpm.StampedLong(request.PcrInfo);
        if (tpm.DecryptAuth(request.EncAuth, AdipNonce.Even, out Secret auth).Failed(out error)) return error;
        byte[] data = tpm.Scratch.Allocate(request.InData.Length);
        request.InData.Span.CopyTo(data);
        if (tpm.CryptParameter(scheme, session, data).Failed(out error)) return error;
        return Seal.Protect(tpm, key, auth, data, sealedData, ref response);
    }
}
