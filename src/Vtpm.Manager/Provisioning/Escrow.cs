using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Storage;

namespace Vtpm.Manager;

/// <summary>
/// A manager's recovery key in the hands of group 0's authority: encrypted to its key, RSAES-OAEP with SHA-256 and no label, as any tool decrypts it.
/// </summary>
public static class Escrow
{
    public const int Size = Rsa2048.Size;

    private static readonly byte[] Exponent = [1, 0, 1];

    /// <summary>Decrypts an escrow; the key is the caller's to dispose of.</summary>
    /// <exception cref="ApprovalException">It is none, or is for another authority.</exception>
    public static ManagerRecoveryKey Open(ReadOnlySpan<byte> escrow, RSA authority)
    {
        ArgumentNullException.ThrowIfNull(authority);
        if (escrow.Length != Size) throw new ApprovalException($"that is no escrow: the {Size} bytes that 'vtpm manage escrow' wrote are wanted");
        Span<byte> plain = stackalloc byte[Size];
        try
        {
            int length = authority.Decrypt(escrow, plain, RSAEncryptionPadding.OaepSHA256);
            return ManagerRecoveryKey.Read(plain[..length]) ?? throw new ApprovalException("what is encrypted there is no manager's recovery key");
        }
        catch (CryptographicException e)
        {
            throw new ApprovalException(
                "that is no escrow for this authority, or is damaged: the file of 'vtpm manage escrow' is wanted, and group 0's authority key", e);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plain);
        }
    }

    /// <summary>Null when the modulus is no key's.</summary>
    internal static byte[]? Make(ManagerRecoveryKey key, ReadOnlySpan<byte> authorityModulus)
    {
        if (!Rsa2048.IsModulus(authorityModulus)) return null;
        byte[] plain = key.ToBytes();
        try
        {
            using RSA authority = RSA.Create(new RSAParameters { Modulus = authorityModulus.ToArray(), Exponent = Exponent });
            return authority.Encrypt(plain, RSAEncryptionPadding.OaepSHA256);
        }
        catch (CryptographicException)
        {
            return null;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(plain);
        }
    }
}
