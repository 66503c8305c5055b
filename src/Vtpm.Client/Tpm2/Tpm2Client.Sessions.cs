using System.Security.Cryptography;
using Vtpm.Wire;

namespace Vtpm.Client;

/// <content>TPM 2.0 Part 3 §11 and §23: sessions, and policies in them.</content>
public sealed partial class Tpm2Client
{
    /// <summary>
    /// <c>TPM2_StartAuthSession</c>, Part 3 §11.1, with AES-128 for parameters.
    /// </summary>
    /// <param name="type">What it authorizes by.</param>
    /// <param name="authHash">Its hash function; of a policy that of the object's Name.</param>
    /// <param name="saltKey">
    /// The key that the session's secret is encrypted to: without one, what the session's key rests on is the authorization value alone.
    /// </param>
    public Tpm2Session StartAuthSession(TpmSe type, TpmAlgId authHash, Tpm2Key? saltKey)
    {
        byte[] nonceCaller = RandomNumberGenerator.GetBytes(authHash.Size());
        byte[] salt = [];
        try
        {
            byte[] encryptedSalt = saltKey is null ? [] : Encrypt(saltKey, out salt);
            Tpm2Request request = Begin(TpmCc.StartAuthSession, saltKey?.Entity ?? Tpm2Entity.OfHandle(TpmRh.Null), Tpm2Entity.OfHandle(TpmRh.Null));
            request.Sized(nonceCaller);
            request.Sized(encryptedSalt);
            request.UInt8((byte)type);
            request.Structure(TpmtSymDef.Aes128Cfb);
            request.UInt16((ushort)authHash);
            (uint handle, byte[] nonceTpm) = Execute(request, static (uint handle, ref WireReader reader) => (handle, Sized(ref reader)), outHandle: true);
            return new Tpm2Session(this, handle, type, authHash, salt, nonceTpm, nonceCaller);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(salt);
        }
    }

    /// <summary><c>TPM2_PolicyPCR</c>, Part 3 §23.7: the present values of these PCRs.</summary>
    public void PolicyPcr(Tpm2Session policy, TpmAlgId bank, uint mask)
    {
        ArgumentNullException.ThrowIfNull(policy);
        Tpm2Request request = Begin(TpmCc.PolicyPcr, Tpm2Entity.OfHandle(policy.Handle));
        request.Sized([]);
        request.Structure(TpmlPcrSelection.Of(bank, mask));
        Execute(request);
    }

    /// <summary><c>TPM2_PolicyLocality</c>, Part 3 §23.8.</summary>
    public void PolicyLocality(Tpm2Session policy, byte localities)
    {
        ArgumentNullException.ThrowIfNull(policy);
        Tpm2Request request = Begin(TpmCc.PolicyLocality, Tpm2Entity.OfHandle(policy.Handle));
        request.UInt8(localities);
        Execute(request);
    }

    private static byte[] Encrypt(Tpm2Key key, out byte[] salt)
    {
        try
        {
            return Tpm2Salt.Create(key.Public, out salt);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new Tpm2ProtocolException(TpmCc.ReadPublic, $"what it calls a storage key is none: {e.Message}");
        }
    }
}
