using Vtpm.Wire;

namespace Vtpm.Client;

/// <content>Part 3 §13.5 (Sign), §15 (identity) and §16 (integrity).</content>
public sealed partial class TpmClient
{
    /// <summary><c>TPM_Extend</c>, Part 3 §16.1.</summary>
    /// <returns>The PCR's new value; zeroes when the TPM is disabled.</returns>
    public TpmDigest Extend(uint pcrNum, TpmDigest inDigest)
    {
        TpmRequest request = Begin(TpmOrdinal.Extend);
        request.UInt32(pcrNum);
        request.Structure(inDigest);
        return ExecuteFor<TpmDigest>(request);
    }

    /// <summary><c>TPM_PCRRead</c>, Part 3 §16.2.</summary>
    public TpmDigest PcrRead(uint pcrIndex)
    {
        TpmRequest request = Begin(TpmOrdinal.PcrRead);
        request.UInt32(pcrIndex);
        return ExecuteFor<TpmDigest>(request);
    }

    /// <summary><c>TPM_PCR_Reset</c>, Part 3 §16.4.</summary>
    public void PcrReset(TpmPcrSelection pcrSelection)
    {
        TpmRequest request = Begin(TpmOrdinal.PcrReset);
        request.Structure(pcrSelection);
        Execute(request);
    }

    /// <summary><c>TPM_Quote</c>, Part 3 §16.3.</summary>
    public (TpmPcrComposite PcrData, byte[] Signature) Quote(uint keyHandle, TpmSession keyAuth, TpmNonce externalData, TpmPcrSelection targetPcr)
    {
        TpmRequest request = Begin(TpmOrdinal.Quote);
        request.Handle(keyHandle);
        request.Structure(externalData);
        request.Structure(targetPcr);
        return Execute(request, static (ref WireReader reader) => (Structure<TpmPcrComposite>(ref reader), Sized32(ref reader)), 0, keyAuth);
    }

    /// <summary><c>TPM_Sign</c>, Part 3 §13.5.</summary>
    public byte[] Sign(uint keyHandle, TpmSession keyAuth, ReadOnlySpan<byte> areaToSign)
    {
        TpmRequest request = Begin(TpmOrdinal.Sign);
        request.Handle(keyHandle);
        request.Sized32(areaToSign);
        return Execute(request, Sized32, 0, keyAuth);
    }

    /// <summary>
    /// <c>TPM_MakeIdentity</c>, Part 3 §15.1; <paramref name="ownerAuth"/> is an OSAP session for the owner: the new key's secret travels under it.
    /// </summary>
    public (TpmKey IdKey, byte[] IdentityBinding) MakeIdentity(
        TpmSession srkAuth, TpmSession ownerAuth, TpmSecret identitySecret, TpmDigest labelPrivCADigest, TpmKey idKeyParams)
    {
        ArgumentNullException.ThrowIfNull(ownerAuth);
        ArgumentNullException.ThrowIfNull(identitySecret);
        TpmRequest request = Begin(TpmOrdinal.MakeIdentity);
        request.Structure(ownerAuth.Encrypt(identitySecret));
        request.Structure(labelPrivCADigest);
        request.Structure(idKeyParams);
        return Execute(request, static (ref WireReader reader) => (Structure<TpmKey>(ref reader), Sized32(ref reader)), 0, srkAuth, ownerAuth);
    }

    /// <summary><c>TPM_ActivateIdentity</c>, Part 3 §15.2. The key is the caller's to zero.</summary>
    public TpmSymmetricKey ActivateIdentity(uint idKeyHandle, TpmSession idKeyAuth, TpmSession ownerAuth, ReadOnlySpan<byte> blob)
    {
        TpmRequest request = Begin(TpmOrdinal.ActivateIdentity);
        request.Handle(idKeyHandle);
        request.Sized32(blob);
        return ExecuteFor<TpmSymmetricKey>(request, idKeyAuth, ownerAuth);
    }
}
