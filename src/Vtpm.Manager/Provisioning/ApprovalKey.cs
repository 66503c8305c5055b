using System.Security.Cryptography;
using System.Text;
using Vtpm.Storage;

namespace Vtpm.Manager;

/// <summary>
/// The key of a group's authority (SAA) in a PEM file (PKCS #8). Whoever has it decides which platforms open the group: it belongs off the machine when
/// the machine is not the authority.
/// </summary>
internal static class ApprovalKey
{
    public const int KeyBits = 2048;

    /// <summary>The key in the file, or a new one that is in the file, durably, when this returns.</summary>
    /// <exception cref="ManagerException">The file cannot be read or made, or holds another key.</exception>
    public static RSA LoadOrCreate(string path, out bool created)
    {
        created = !File.Exists(path);
        try
        {
            return created ? Create(path) : Load(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ManagerException($"the approval key {path} cannot be {(created ? "made" : "read")}: {e.Message}", e);
        }
    }

    private static RSA Load(string path)
    {
        RSA key = RSA.Create();
        try
        {
            key.ImportFromPem(File.ReadAllText(path));
            if (key.KeySize == KeyBits && key.ExportParameters(includePrivateParameters: false).Exponent is [1, 0, 1]) return key;
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            key.Dispose();
            throw new ManagerException($"the approval key {path} is not a private key in PEM form; name another file, or move this one away", e);
        }

        key.Dispose();
        throw new ManagerException($"the approval key {path} is not RSA-{KeyBits} with exponent 65537; name another file, or move this one away");
    }

    private static RSA Create(string path)
    {
        RSA key = RSA.Create(KeyBits);
        try
        {
            byte[] pem = Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem() + "\n");
            bool created = PrivateFile.Create(path, pem);
            CryptographicOperations.ZeroMemory(pem);
            if (!created) throw new IOException("another process has just made it");
            return key;
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }
}
